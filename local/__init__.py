"""Parts for one machine: an embedded MongoDB and Kafka, sample orders, broken events, the demo."""

"""A real MongoDB and a Kafka broker on this machine, started and ended by us."""

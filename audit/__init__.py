"""The trail: what is announced of every act. Knows neither Kafka nor MongoDB."""

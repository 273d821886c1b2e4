"""What every process needs: settings, logs, metrics, health, Kafka options."""

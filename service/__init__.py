"""Kafka in, HTTP out: the doors through which orders come in and are read."""

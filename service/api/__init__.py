"""The REST API: who asks, what is asked for, and the answer."""

"""What an order record is, and what may happen to it."""

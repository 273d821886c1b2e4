"""Sample orders as a shop would send them, and every kind of event that nobody should."""

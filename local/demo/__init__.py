"""The whole mission on one machine, with fast days, and a check of its own claims at the end."""

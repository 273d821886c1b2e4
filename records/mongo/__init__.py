"""Every query on every collection."""

"""Time in, audit events out: the one process that erases, and tells of it."""

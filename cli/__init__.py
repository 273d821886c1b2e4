"""The verbs of the `order-records` command: parse, call, print."""

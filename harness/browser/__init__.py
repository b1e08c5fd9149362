"""A real browser that looks at the shop while the load goes on: the process that drives it, what it saw, and its keeper."""

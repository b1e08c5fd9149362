"""The reference shop: real parts in containers, small enough for two cores with the load generator beside it."""

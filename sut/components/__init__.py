"""The parts of the reference shop, one class a file: also what only that product can tell of itself."""

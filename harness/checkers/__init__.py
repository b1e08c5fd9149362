"""The shelf of checkers: each judges one objective of a history, purely; the file name is the kind."""

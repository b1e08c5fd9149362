"""The shelf of reporters: each turns plan, history and verdicts into one file; the file name is the kind."""

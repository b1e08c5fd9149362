"""The shelf of faults: one breakage, one file; the file name is the kind."""

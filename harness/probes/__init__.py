"""The shelf of probes: each observes one thing, at a rate, and never judges; the file name is the kind."""

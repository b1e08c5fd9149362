"""The reference shop's own source. Copied into the app image as package ``services``; imports nothing of the harness."""

"""``python -m harness`` is ``windtunnel``."""

from harness.cli import main

main()

"""The acceptance: every run that must give a known answer, on Docker. ``python -m tests.acceptance --list`` names them."""

"""What holds for every test of the house, and the door through which pytest finds scenarios."""

from hypothesis import settings

pytest_plugins = ["harness.pytest_plugin", "pytester"]

# Shared machines are slow at any moment: a test may be long, never flaky. A failure prints the blob that repeats it.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")

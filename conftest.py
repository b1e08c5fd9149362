"""What holds for every test of the house."""

from hypothesis import settings

# Shared machines are slow at any moment: a test may be long, never flaky. A failure prints the blob that repeats it.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")

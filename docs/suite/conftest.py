"""The one line that a test suite needs."""

pytest_plugins = ["harness.pytest_plugin"]

"""The load: a pure schedule, a Locust user, and the child process that runs it. Locust is imported by the child alone."""

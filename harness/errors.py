"""The errors of the house, each with the exit code it ends a command with.

WindtunnelError
├── UsageError          2   bad arguments, bad scenario, refused target: nothing was started
│   ├── ScenarioError       the file itself: unknown key, wrong type, bad unit
│   └── PlanError           the file is well formed, but the plan is refused
├── SetupError         10   no engine, no image, no memory, a port or the machine lock is taken
├── AbortedError       11   stopped on request or by an abort condition
├── ControlError       12   the engine or another control path did not do what it was told
├── StoredRunError      2   a run folder that cannot be read at all
└── VacuousPassError        a checker said PASS without enough evidence; the judge turns it into INCONCLUSIVE
"""

from typing import ClassVar


class WindtunnelError(Exception):
    """Base of all errors with a message for a person: what, where, the state seen, the next command to type."""

    exit_code: ClassVar[int] = 12


class UsageError(WindtunnelError):
    """The command cannot be carried out as typed; nothing was started."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario file is not well formed. The message names file, key and what was expected."""

    def __init__(self, file: str, key: str, expected: str) -> None:
        super().__init__(f"{file}: {key}: {expected}")
        self.file, self.key, self.expected = file, key, expected


class PlanError(UsageError):
    """A well-formed scenario that must not run like this. The message gives the value to use."""

    def __init__(self, file: str, key: str, because: str) -> None:
        super().__init__(f"{file}: {key}: {because}")
        self.file, self.key, self.because = file, key, because


class StoredRunError(UsageError):
    """A run folder that is missing or holds no readable scenario."""


class SetupError(WindtunnelError):
    """The machine is not ready: no engine, no image, no memory, a lock or a port is taken."""

    exit_code = 10


class AbortedError(WindtunnelError):
    """The run was stopped on request or by an abort condition; everything was healed first."""

    exit_code = 11


class ControlError(WindtunnelError):
    """A control path (the engine, a signal, a file) did not do what it was told, or not in time."""


class VacuousPassError(WindtunnelError):
    """PASS was claimed with less evidence than needed."""

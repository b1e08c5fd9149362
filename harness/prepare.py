"""Makes a machine ready: the Python environment, a Docker engine, the shop's images. Doing it twice does no harm.

    python3 harness/prepare.py [--venv] [--engine] [--images] [--browser]     no option: the first three
    python3 harness/prepare.py stop-engine                                    ends the engine that it started

It says each step and why. Exit code 0: ready; 10: something is missing that it may not or cannot install, and the
message says what to type. Only the standard library is used, here and in what is imported: this runs before anything
is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # started by its path: let `harness` and `sut` be found, and this folder hide no module
    sys.path[0] = str(ROOT)

from harness import engine  # noqa: E402  # the line above is what lets it be found
from harness.errors import SetupError  # noqa: E402  # the same
from harness.machine import apt_install, call, must, say  # noqa: E402  # the same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STATE = ROOT / ".windtunnel"
VENV = ROOT / ".venv"
PIP_LIMIT_S = 900
IMAGES_LIMIT_S = 3600
LOCK_LIMIT_S = 1800


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="prepare.py", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("command", nargs="?", choices=["stop-engine"], help="end the engine that an earlier call started")
    parser.add_argument("--venv", action="store_true", help="the Python environment .venv")
    parser.add_argument("--engine", action="store_true", help="a Docker engine that answers")
    parser.add_argument("--images", action="store_true", help="the images of the shop's parts")
    parser.add_argument(
        "--browser",
        action="store_true",
        help="Chromium, which looks at the shop and at the reports",
    )
    asked = parser.parse_args(arguments)
    everything = not (asked.venv or asked.engine or asked.images or asked.browser)
    try:
        check_machine()
        with only_one():
            if asked.command == "stop-engine":
                engine.stop()
                return 0
            if asked.venv or everything:
                make_venv()
            if asked.browser:
                install_browser()
            if asked.engine or everything:
                engine.start()
            if asked.images or everything:
                build_images()
    except SetupError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"prepare: {error}. Free space or correct the permissions, then type: make prepare", file=sys.stderr)
        return SetupError.exit_code
    except KeyboardInterrupt:
        print("prepare: interrupted; what was complete is kept. To go on, type: make prepare", file=sys.stderr)
        return 130
    return 0


def check_machine() -> None:
    """Raise SetupError where windtunnel cannot work at all."""
    if sys.platform != "linux":
        raise SetupError(f"this is {sys.platform}: locks, process handles and namespaces need Linux. Use a Linux machine.")
    if sys.version_info < (3, 11):  # noqa: UP036  # this file must say so where an older Python runs it
        seen = ".".join(str(number) for number in sys.version_info[:3])
        raise SetupError(
            f"this is Python {seen} ({sys.executable}): 3.11 or newer is needed. Type: make PYTHON=python3.11 prepare"
        )


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock of preparations in this folder; wait for another one, with a bound."""
    import fcntl  # noqa: PLC0415  # Windows has none, and check_machine must be able to say what is wrong there

    STATE.mkdir(exist_ok=True)
    with (STATE / "prepare.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("lock", "another preparation runs in this folder; waiting for it")

            def give_up(*_: object) -> None:
                raise SetupError(f"{lock.name}: still held after {LOCK_LIMIT_S} s. Type: fuser {lock.name}") from None

            signal.signal(signal.SIGALRM, give_up)
            signal.alarm(LOCK_LIMIT_S)
            fcntl.flock(lock, fcntl.LOCK_EX)
            signal.alarm(0)
        yield


def make_venv() -> None:
    """Make `.venv` with exactly the versions of requirements.lock; skipped while these files are unchanged."""
    wanted = hashlib.sha256(f"{ROOT}\0{sys.version}\0".encode())
    for name in ("requirements.lock", "pyproject.toml"):
        wanted.update((ROOT / name).read_bytes())
    stamp = VENV / "prepared"
    python = VENV / "bin" / "python"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted.hexdigest():
        say("venv", "present: .venv is as requirements.lock wants it")
        return
    made_here = python.exists() and str(VENV) in (VENV / "pyvenv.cfg").read_text()  # else the folder was moved
    if not made_here:
        say("venv", f"making .venv with Python {sys.version.split()[0]}, so that nothing is installed into the system")
        if call([sys.executable, "-c", "import ensurepip, venv"], limit_s=30).returncode:
            apt_install(["python3-venv"], why="this Python cannot make environments")
        must([sys.executable, "-m", "venv", "--clear", str(VENV)], limit_s=120, where="venv")
    say("venv", "installing the versions of requirements.lock, and windtunnel itself")
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install"]
    must([*pip, "--requirement", str(ROOT / "requirements.lock")], limit_s=PIP_LIMIT_S, where="venv")
    must([*pip, "--no-deps", "--editable", str(ROOT)], limit_s=PIP_LIMIT_S, where="venv")
    stamp.write_text(wanted.hexdigest())
    say("venv", "ready")


def build_images() -> None:
    """Build the missing images; sut/images says how."""
    if not engine.version():
        raise SetupError("images: no engine answers, and an engine builds them. Type: python3 harness/prepare.py --engine")
    try:
        done = subprocess.run([sys.executable, "-m", "sut.images"], cwd=ROOT, timeout=IMAGES_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise SetupError(f"images: not built within {IMAGES_LIMIT_S} s. To go on, type: make prepare") from None
    if done.returncode:
        raise SetupError("images: not all could be built; the reason stands above.")


def install_browser() -> None:
    """Make sure that there is Chromium."""
    if shutil.which("chromium"):
        say("browser", "present: chromium")
        return
    apt_install(["chromium", "fonts-liberation"], why="a real browser looks at the shop and at the reports")


if __name__ == "__main__":
    sys.exit(main())

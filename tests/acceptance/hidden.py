"""No password of a run stands in its folder, its reports, or in what it printed; nor after the guardian cleared away."""

import base64
import json
import signal
import sys
import time
import urllib.parse
from functools import partial
from pathlib import Path

from tests.acceptance.engine import containers, docker, see_cleared
from tests.acceptance.flight import Flight, must, windtunnel
from tests.acceptance.moments import COMES_WITHIN_S, MOMENTS
from tests.acceptance.rows import Row
from tests.acceptance.spoilt import LONGEST_S
from tests.acceptance.stage import Stage, shortened


def no_secret(stage: Stage, *, killed: bool) -> str:
    """Fly, learn the run's passwords, see that its containers really have them, and search all that the run wrote."""
    told, reports = stage.folder / "secrets.json", stage.folder / "reports"
    flight = stage.fly(
        shortened("db_primary_lost"),
        "--junit",
        str(reports / "junit.xml"),
        "--json",
        str(reports / "report.json"),
        command=(sys.executable, "-m", "tests.acceptance.tell", str(told), "--"),
    )
    flight.see(MOMENTS["entry"], COMES_WITHIN_S)
    secrets: list[str] = json.loads(told.read_bytes())
    _must_be_in_use(secrets, flight.run)
    if killed:
        flight.see(MOMENTS["held"], COMES_WITHIN_S)
        flight.send(signal.SIGKILL)
        since = time.monotonic()
        stage.landed(flight, LONGEST_S)
        see_cleared(flight.run, since)
        windtunnel("judge", str(flight.folder))
    else:
        stage.landed(flight, LONGEST_S)
        windtunnel("report", str(flight.folder))
    return _searched(flight, [*flight.folder.rglob("*"), *reports.glob("*")], secrets)


def _must_be_in_use(secrets: list[str], run: str) -> None:
    """See that these are the passwords that the shop's containers were given; else the search would prove nothing."""
    given = docker("inspect", "--format", "{{json .Config.Env}}", *containers(run))
    used = [secret for secret in secrets if secret in given]
    must(len(secrets) >= 4 and used == secrets, f"{len(used)} of {len(secrets)} passwords are in use")


def _searched(flight: Flight, paths: list[Path], secrets: list[str]) -> str:
    files = [path for path in paths if path.is_file()]
    needles = {form for secret in secrets for form in _forms(secret)}
    for path in files:
        content = path.read_bytes()
        must(not any(needle in content for needle in needles), f"a password stands in {path.name}")
    printed = flight.printed.encode()
    must(not any(needle in printed for needle in needles), "a password was printed")
    logs = [path for path in files if path.suffix == ".log" and path.stat().st_size]
    must(
        len(logs) >= 5 and any(path.name == "report.html" for path in files),
        f"hardly anything to search: {len(files)} files",
    )
    size = sum(path.stat().st_size for path in files)
    return f"{len(secrets)} passwords in no form in {len(files)} files, {size / 1e6:.1f} MB, nor in what was printed"


def _forms(secret: str) -> set[bytes]:
    """Give the forms in which a password may stand somewhere."""
    plain = secret.encode()
    return {plain, urllib.parse.quote(secret, safe="").encode(), base64.b64encode(plain).rstrip(b"="), plain.hex().encode()}


ROWS = [
    Row(id="secrets.run", must_say="none", minutes=1.2, play=partial(no_secret, killed=False)),
    Row(id="secrets.guardian", must_say="none", minutes=1.2, play=partial(no_secret, killed=True)),
]

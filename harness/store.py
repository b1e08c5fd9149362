"""The run folder on disk: written while the run goes on, read back into a ``History`` afterwards.

Reading never fails on damaged evidence: what cannot be read is a doubt. Only a missing scenario is an error.
"""

import hashlib
import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from harness import lines
from harness.audited import Audit, NodeAudit
from harness.browser import record
from harness.errors import SetupError, StoredRunError
from harness.events import KINDS, Audited, Event, LoadStarted, LoadStopped, Run, Sealed, kind
from harness.history import History, Ledger, Window, lost_rows
from harness.load import ledger as ledgers
from harness.load import requests
from harness.load.schedule import planned
from harness.model import Doubt, Outcome, Pid, noun
from harness.planned import Plan
from harness.scenario import Scenario, asked_also, load, name_of, read
from harness.shop import Residence
from harness.visits import NO_VISITS, Visits

SCENARIO, JOURNAL, AUDIT, SITE = "scenario.toml", "journal.jsonl", "audit.jsonl", "site.json"
ORDERS, SESSIONS, SCREENS = "orders.jsonl", "sessions.jsonl", "screens.jsonl"
UNDO, LOCK, GUARDIAN, HARNESS, LOAD = "undo.jsonl", "undo.lock", "guardian.jsonl", "harness.json", "load.pid"
EVIDENCE, ASKED = (SCENARIO, ORDERS, SESSIONS, SCREENS, AUDIT), "objectives.toml"  # asked after the run: no evidence


@noun
class Process:
    """The harness of a run, for those who want to stop it or share its time: its pid, when that started, the run's zero."""

    pid: Pid
    start_ticks: int
    zero_ns: int


class JournalWriter:
    """Appends records to a journal, from any thread, each on its way to the disk when the call returns."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises ``SetupError`` if it cannot be written."""
        self._path, self._number, self._lock = path, 0, threading.Lock()
        self._secrets: tuple[str, ...] = ()
        try:
            self._stream = path.open("ab", buffering=0)
        except OSError as error:
            raise SetupError(f"{path}: the journal cannot be written: {error}") from error

    def hide(self, secrets: tuple[str, ...]) -> None:
        """From now on, write ``***`` wherever one of these would stand: an error may quote an address with its password."""
        self._secrets = tuple(msgspec.json.encode(secret).decode()[1:-1] for secret in secrets if secret)

    def append(self, event: Event) -> None:
        """Append one record. Raises ``SetupError`` if the disk refuses: without evidence there is no run."""
        with self._lock:
            line = lines.encode(self._number, kind(type(event)), self._cleaned(event))
            try:
                self._stream.write(line)
            except OSError as error:
                raise SetupError(f"{self._path}: the journal cannot be written: {error}; free some space") from error
            self._number += 1

    def _cleaned(self, event: Event) -> dict[str, Any]:
        """Give a record's body without secrets."""
        text = msgspec.json.encode(event).decode()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        body: dict[str, Any] = msgspec.json.decode(text)
        return body

    def seal(self, at_ns: int) -> None:
        """Append the last record: how many there are, and the digest of each evidence file beside the journal."""
        files = {name: seal for name in EVIDENCE if (seal := _digest(self._path.parent / name))}
        self.append(Sealed(at_ns=at_ns, records=self._number, files=files))
        self.close()

    def close(self) -> None:
        """Close the file; without a seal it stays what it is, a journal that did not come to its end."""
        self._stream.close()


def write_site(folder: Path, residence: Residence) -> None:
    """Write down everything the run has put on this machine, whole or not at all. Raises ``SetupError``."""
    fresh = folder / f"{SITE}.new"
    try:
        fresh.write_bytes(msgspec.json.encode(residence))
        fresh.rename(folder / SITE)
    except OSError as error:
        raise SetupError(f"{folder / SITE}: what runs cannot be written down: {error}; free some space") from error


def read_site(folder: Path) -> Residence | None:
    """Read what a run has put on this machine; None where it had not come so far."""
    try:
        return msgspec.json.decode((folder / SITE).read_bytes(), type=Residence)
    except (OSError, ValueError, RecursionError):  # a text that is not UTF-8 is no DecodeError
        return None


def write_audit(folder: Path, audit: Audit) -> None:
    """Write the audit: a line a node, one for the stock and what orders cost, and the seal."""
    head = {"at_ns": audit.at_ns, "skus": audit.skus, "missing": dict(audit.missing)}
    parts: list[tuple[str, dict[str, Any]]] = [("head", head)]
    parts += [("node", msgspec.to_builtins(node)) for node in audit.nodes]
    parts.append(("stock", msgspec.to_builtins({"levels": audit.stock, "charges": audit.charges})))
    parts.append(("seal", {"nodes": len(audit.nodes)}))
    with (folder / AUDIT).open("wb") as stream:
        for number, (name, body) in enumerate(parts):
            stream.write(lines.encode(number, name, body))


def read_audit(folder: Path) -> tuple[Audit | None, tuple[Doubt, ...]]:
    """Read the audit back; None where none was made or it is not whole, with the doubt that says so."""
    path = folder / AUDIT
    if not path.exists():
        return None, ()
    try:
        with path.open("rb") as stream:
            found = [line for line in lines.scan(stream) if line is not None]
        if [line["n"] for line in found] != list(range(len(found))) or found[-1]["kind"] != "seal":
            raise KeyError("seal")  # noqa: TRY301 -- handled as any other damage
        nodes = tuple(msgspec.convert(line, type=NodeAudit) for line in found if line["kind"] == "node")
        if len(nodes) != found[-1]["nodes"]:
            raise KeyError("nodes")  # noqa: TRY301 -- the same
        head = next(line for line in found if line["kind"] == "head")
        stock = next(line for line in found if line["kind"] == "stock")
        if any(not len(node.key) == len(node.order_id) == len(node.digest) for node in nodes):
            raise KeyError("columns")  # noqa: TRY301 -- the same
        told = {**head, "nodes": nodes, "stock": stock["levels"], "charges": stock.get("charges")}
        audit = msgspec.convert(told, type=Audit)
    except (OSError, KeyError, IndexError, TypeError, StopIteration, ValueError) as error:  # msgspec's are ValueErrors
        return None, (_voids_pass(f"the audit is not whole ({error})"),)
    return audit, ()


def read_journal(path: Path) -> tuple[tuple[Event, ...], tuple[Doubt, ...]]:
    """Read a journal: its records in order, and a doubt for each way in which it is not whole. Never raises on damage."""
    if not path.exists():
        return (), (_voids_pass("there is no journal"),)
    events: list[Event] = []
    numbers: list[int] = []
    broken, doubts = 0, list[Doubt]()
    try:
        with path.open("rb") as stream:
            for line in lines.scan(stream):
                event = _event(line)
                if event is None or line is None:
                    broken += 1
                    continue
                events.append(event)
                numbers.append(line["n"])
    except OSError as error:
        doubts.append(_voids_pass(f"the journal cannot be read: {error.strerror}"))
    if broken:
        doubts.append(_voids_pass(f"{broken} record(s) of the journal cannot be read"))
    if numbers != list(range(len(numbers))):
        doubts.append(_voids_pass("records of the journal are missing, repeated or out of order"))
    if any(later.at_ns < earlier.at_ns - _SLACK_NS for earlier, later in itertools.pairwise(events)):
        doubts.append(_voids_pass("time runs backwards in the journal"))
    seals = [number for number, event in zip(numbers, events, strict=True) if isinstance(event, Sealed)]
    if seals != [len(numbers) - 1] or not isinstance(events[-1], Sealed) or events[-1].records != len(numbers) - 1:
        doubts.append(_voids_pass("the journal was not closed: the run did not come to its end"))
    return tuple(events), tuple(doubts)


_SLACK_NS = 2_000_000_000  # threads stamp a record before they queue for the pen


@noun
class Stored:
    """A run as it lies on disk: its scenario, its journal with what is doubtful in it."""

    folder: Path
    scenario: Scenario
    events: tuple[Event, ...]
    doubts: tuple[Doubt, ...]

    @property
    def run(self) -> Run | None:
        """The journal's first record; None where even that is missing."""
        return next((event for event in self.events if isinstance(event, Run)), None)


def open_run(folder: Path) -> Stored:
    """Read scenario and journal of a run folder. Raises ``StoredRunError`` where there is no readable scenario."""
    if not (folder / SCENARIO).is_file():
        raise StoredRunError(f"{folder}: no {SCENARIO} in it, so it is no run folder; `windtunnel status` lists runs")
    events, doubts = read_journal(folder / JOURNAL)
    by_guardian, _ = read_journal(folder / GUARDIAN)
    if by_guardian:
        doubts = (*doubts, _voids_pass("the harness died before it had ended the run, and its guardian cleared up"))
    scenario = _named(load(folder / SCENARIO), events)
    if (folder / ASKED).is_file():
        scenario = asked_also(scenario, read(folder / ASKED), scenario.file)
    return Stored(folder=folder, scenario=scenario, events=events + by_guardian, doubts=doubts)


def _named(scenario: Scenario, events: Sequence[Event]) -> Scenario:
    """Call a stored scenario as it was called when it ran: reports, CI and baselines know it by that name."""
    file = next((event.scenario for event in events if isinstance(event, Run)), "")
    return replace(scenario, file=file, name=name_of(file)) if file else scenario


def history(stored: Stored, plan: Plan) -> History:
    """Join journal, ledger and audit of a stored run, which went by ``plan``."""
    scenario, folder = plan.scenario, stored.folder
    events, endless = _bounded(stored.events, int(plan.longest_s * 1e9))
    run = stored.run
    audit, audit_doubts = read_audit(folder)
    ledger, visits, load_doubts = _load(folder, scenario, events, run, int(plan.longest_s * 1e9))
    begin_ns = next((event.begin_ns for event in events if isinstance(event, LoadStarted)), 0)
    end_ns = max((event.until_ns for event in events if isinstance(event, LoadStopped)), default=begin_ns)
    views, view_doubts = record.read(folder / SCREENS, plan.looked_through, begin_ns, end_ns)
    return History(
        declaration=plan.declaration,
        scenario=scenario,
        events=events,
        ledger=ledger,
        audit=audit,
        lost=lost_rows(ledger, audit, run.id if run else ""),
        integrity=(*stored.doubts, *endless, *audit_doubts, *load_doubts, *view_doubts, *_changed(folder, events, audit)),
        window=Window(start_ns=begin_ns, end_ns=end_ns),
        visits=visits,
        views=views,
    )


def _bounded(events: tuple[Event, ...], longest_ns: int) -> tuple[tuple[Event, ...], tuple[Doubt, ...]]:
    """Leave out an end of the load that no run of this plan can have had: its ledger would fill the memory."""
    begin_ns = next((event.begin_ns for event in events if isinstance(event, LoadStarted)), 0)
    kept = tuple(e for e in events if not (isinstance(e, LoadStopped) and e.until_ns - begin_ns > longest_ns))
    because = f"the journal says that the load lasted longer than {longest_ns / 1e9:g} s, the longest time planned"
    return kept, () if len(kept) == len(events) else (_voids_pass(because),)


def _load(
    folder: Path, scenario: Scenario, events: Sequence[Event], run: Run | None, longest_ns: int
) -> tuple[Ledger, Visits, tuple[Doubt, ...]]:
    """Read the ledger against what was planned up to the load's end; without that end, up to the last record known."""
    seed, scale = (run.seed, run.scale) if run else (scenario.seed, 1.0)
    begin_ns = next((event.begin_ns for event in events if isinstance(event, LoadStarted)), None)
    until_ns = next((event.until_ns for event in events if isinstance(event, LoadStopped)), None)
    if begin_ns is None:
        begin_ns = until_ns = 0
    elif until_ns is None:
        until_ns = min(max(begin_ns, events[-1].at_ns), begin_ns + longest_ns)
    plan = planned(scenario.load, seed, scale, until_ns - begin_ns)
    ledger, doubts = ledgers.read(folder / ORDERS, plan, begin_ns, until_ns)
    if scenario.load.sessions is None:
        return ledger, NO_VISITS, doubts
    visits, more = requests.read(folder / SESSIONS, ledger, until_ns)
    return ledger, visits, doubts + more


def _changed(folder: Path, events: Sequence[Event], audit: Audit | None) -> tuple[Doubt, ...]:
    """Doubt evidence files that are not what the journal's seal says they were."""
    seal = next((event for event in events if isinstance(event, Sealed)), None)
    files: Mapping[str, str] = seal.files if seal else {}
    doubts = [
        _voids_pass(f"{name} is not the file that was sealed")
        for name in EVIDENCE
        if seal and files.get(name) != _digest(folder / name)
    ]
    said = next((event.rows for event in events if isinstance(event, Audited)), None)
    rows = sum(len(node.key) for node in audit.nodes) if audit else None
    if said != rows:
        doubts.append(_voids_pass(f"the audit holds {rows} orders, the journal says {said}"))
    return tuple(doubts)


def _event(line: dict[str, Any] | None) -> Event | None:
    """Turn a line into its record; None where it is none."""
    if line is None or not isinstance(line.get("n"), int):
        return None
    try:
        return msgspec.convert(line, type=KINDS[line["kind"]])
    except (KeyError, TypeError, ValueError):  # msgspec's errors are ValueErrors
        return None


def _digest(path: Path) -> str | None:
    """Give a file's SHA-256; None where it is not there or cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def _voids_pass(because: str) -> Doubt:
    return Doubt(because=because, voids=frozenset({Outcome.PASS}))

"""The looks at the machine itself: what each says where all is well, where it is not, and where nobody can tell."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from certifi import contents  # a real bundle, which the HTTP library brings along

from harness import host, vitals
from harness.clock import MachineClock
from harness.finding import Finding, Level
from harness.host import Cpu

SECRET = "s3cret"
SPARED = {"no_proxy": "localhost, 127.0.0.1, 198.18.0.0/15"}


def test_a_python_that_is_too_old_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vitals.system().level is Level.OK
    monkeypatch.setattr(vitals, "PYTHON", (99, 0))
    seen = vitals.system()
    assert (seen.level, seen.mend) == (Level.IMPOSSIBLE, "make PYTHON=python3.11 prepare")


def test_another_system_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(sys, "platform", "darwin")
        seen = vitals.system()
    assert (seen.level, seen.mend) == (Level.IMPOSSIBLE, "use a Linux machine")


@pytest.mark.parametrize(("wanted", "level"), [(1, Level.OK), (10_000, Level.WARNING)])
def test_too_few_cores_are_a_warning(wanted: int, level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run starts on one core too; its figures are worth less."""
    monkeypatch.setattr(vitals, "CORES", wanted)
    assert vitals.cores().level is level


@pytest.mark.parametrize(
    ("available_kib", "level"),
    [(8_000_000, Level.OK), (1_000_000, Level.WARNING), (100_000, Level.IMPOSSIBLE)],
)
def test_memory_is_what_can_be_had(available_kib: int, level: Level, tmp_path: Path) -> None:
    """Not what is free: the kernel's own buffers are given back."""
    told = tmp_path / "meminfo"
    told.write_text(
        f"MemTotal:       16000000 kB\nMemFree:  7 kB\nMemAvailable:    {available_kib} kB\nHugePages_Total:  0\n"
    )
    seen = vitals.memory(told)
    assert seen.level is level
    assert f"{available_kib / 2**20:.1f} of 15.3 GiB available" in seen.found


def test_a_kernel_that_does_not_say_how_much_memory_there_is_is_no_good_news(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 16000000 kB\n")
    with pytest.raises(ValueError, match="names no MemAvailable"):
        vitals.memory(told)


def looked(monkeypatch: pytest.MonkeyPatch, *looks: Cpu) -> Finding:
    """Look at the CPU twice, without waiting."""
    told: Iterator[Cpu] = iter(looks)
    monkeypatch.setattr(host, "cpu", lambda: next(told))
    monkeypatch.setattr(vitals, "pause", lambda _: None)
    return vitals.cpu()


@pytest.mark.parametrize(
    ("busy_s", "stolen_s", "level", "told"),
    [
        (0.1, 0.0, Level.OK, "5% busy, of all CPU time 0% stolen"),
        (1.0, 0.0, Level.WARNING, "50% busy, of all CPU time 0% stolen"),
        (0.8, 0.6, Level.WARNING, "40% busy, of all CPU time 30% stolen"),
    ],
    ids=["quiet", "busy", "stolen"],
)
def test_a_busy_machine_is_a_warning(
    busy_s: float, stolen_s: float, level: Level, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        Cpu(total_s=100, busy_s=50, stolen_s=5),
        Cpu(total_s=102, busy_s=50 + busy_s, stolen_s=5 + stolen_s),
    )
    seen = looked(monkeypatch, first, second)
    assert (seen.level, told in seen.found) == (level, True)


def test_cpu_time_that_stands_still_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    still = Cpu(total_s=100, busy_s=50, stolen_s=5)
    with pytest.raises(ValueError, match="stands still"):
        looked(monkeypatch, still, still)


@pytest.mark.parametrize(
    ("now", "known", "level", "mend"),
    [
        ("tsc", "tsc hpet", Level.OK, ""),
        ("hpet", "tsc hpet acpi_pm", Level.WARNING, "echo tsc > "),
        ("jiffies", "jiffies", Level.WARNING, "another machine"),
        ("sundial", "sundial", Level.WARNING, "another machine"),
    ],
)
def test_a_clock_is_steady_slow_or_not_known(now: str, known: str, level: Level, mend: str, tmp_path: Path) -> None:
    (tmp_path / "current_clocksource").write_text(f"{now}\n")
    (tmp_path / "available_clocksource").write_text(f"{known} \n")
    seen = vitals.clock_source(tmp_path)
    assert (seen.level, mend in seen.mend) == (level, True)
    assert ("could not be told" in seen.found) == (now == "sundial")


@pytest.mark.parametrize(
    ("kept", "level", "told"),
    [
        (True, Level.OK, "synchronised, says the kernel"),
        (False, Level.WARNING, "no time service has told the kernel"),
        (None, Level.WARNING, "could not be told"),
    ],
)
def test_the_wall_clock_is_only_called_right_where_the_kernel_says_so(
    kept: bool | None,
    level: Level,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vitals, "synchronised", lambda: kept)
    seen = vitals.wall_clock()
    assert (seen.level, told in seen.found) == (level, True)


def test_a_wall_clock_before_our_own_time_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much the kernel believes in it."""
    monkeypatch.setattr(vitals, "synchronised", lambda: True)
    monkeypatch.setattr(MachineClock, "wall_ns", lambda _: 86_400_000_000_000)
    seen = vitals.wall_clock()
    assert (seen.level, seen.found) == (Level.WARNING, "earlier than this program was installed")


def test_no_proxy_at_all_is_well() -> None:
    assert vitals.proxies({"http_proxy": "", "no_proxy": ""}).found == "none set"


@pytest.mark.parametrize(
    ("no_proxy", "missing"),
    [
        ("", "198.18.0.0/15, 127.0.0.1"),
        ("localhost,.example", "198.18.0.0/15, 127.0.0.1"),
        ("127.0.0.1", "198.18.0.0/15"),
        ("127.0.0.0/8,198.18.0.0/16", "198.18.0.0/15"),
        ("198.18.0.0/15", "127.0.0.1"),
        ("127.0.0.0/8,198.18.0.0/15", ""),
        ("127.0.0.1, 198.19.0.0/16 198.18.0.0/16,2001:db8::/32", ""),
        ("*", ""),
    ],
)
def test_a_proxy_must_not_stand_between_us_and_what_is_ours(no_proxy: str, missing: str) -> None:
    seen = vitals.proxies({"https_proxy": "http://proxy.example:3128", "NO_PROXY": no_proxy})
    assert "https_proxy=http://proxy.example:3128" in seen.found
    assert seen.found.partition("does not spare ")[2] == missing
    assert (seen.level is Level.WARNING, "export no_proxy=" in seen.mend) == (bool(missing), bool(missing))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"http://me:{SECRET}@proxy.example:3128/", "http://***@proxy.example:3128"),
        (f"me:{SECRET}@proxy.example:3128", "***@proxy.example:3128"),
        (f"http://me:{SECRET}@{SECRET}@proxy.example", "http://***@proxy.example"),
        (f"http://me:a/b?{SECRET}#@[2001:db8::1]:80", "http://***@[2001:db8::1]:80"),
        (f"http://proxy.example:3128?token={SECRET}", "http://(not shown: no address)"),
        (f"http://me:{SECRET}", "http://(not shown: no address)"),
        (f"{SECRET}:x://me@proxy.example", "***@proxy.example"),
        ("socks5h://proxy.example:1080", "socks5h://proxy.example:1080"),
    ],
)
def test_no_password_of_a_proxy_is_shown(url: str, shown: str) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        seen = vitals.proxies({name: url, **SPARED})
        assert SECRET not in seen.found
        assert seen.found.startswith(f"{name}={shown};")


def test_certificates_that_are_named_are_read(tmp_path: Path) -> None:
    assert vitals.certificates({}).found == "the system's own"
    bundle = tmp_path / "ours.crt"
    bundle.write_text(contents())
    seen = vitals.certificates({"SSL_CERT_FILE": str(bundle)})
    assert (seen.level, seen.found) == (Level.OK, f"SSL_CERT_FILE={bundle}")


@pytest.mark.parametrize("name", ["WINDTUNNEL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text"])
def test_certificates_that_cannot_be_read_are_told_with_their_variable(name: str, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    if kind == "folder":
        file.mkdir()
    elif kind != "missing":
        file.write_text("" if kind == "empty" else "no certificate")
    seen = vitals.certificates({name: str(file)})
    assert (seen.level, seen.mend) == (Level.WARNING, f"export {name}=FILE, or unset {name}")
    assert f"{name}={file}: no certificates can be read from it" in seen.found

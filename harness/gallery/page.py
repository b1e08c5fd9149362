"""The page of the gallery: what was caught and what was missed, and how often the good shop was blamed. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import ceil

from harness.bounds import at_most
from harness.declaration import Declaration
from harness.evidence import plural
from harness.gallery.entry import Entry, Key, Word
from harness.gallery.pairs import GOOD, Pair
from harness.reporters._words import visible
from harness.reporters.markdown import escaped

HEAD = """\
# Gallery of bad shops

Deliberately bad shops, each flown where it has room to show, and the good shop in the same scenarios. `windtunnel gallery`
flies them and writes this page; beside it lies a line of JSON for each run. A commit with `+` stands for a tree that
differed from it.

*Caught*: the check that is meant to catch the bad shop says FAIL. *Caught by another*: the run is FAIL, but not by that
check. *Missed*: the run is PASS. *Quiet*, *false alarm*: the good shop's run is PASS, FAIL. *Open*: it proves neither."""
SOURCE = """\
The bound is the one-sided upper one of Clopper and Pearson ([Biometrika 26, 1934](https://doi.org/10.1093/biomet/26.4.404));
without an alarm it is a little less than 3 ÷ runs, the rule of three. It presumes that runs are independent of each other,
and it is about these scenarios in this mix."""
BAD_WORDS = (Word.CAUGHT, Word.ANOTHER, Word.MISSED, Word.OPEN)
GOOD_WORDS = (Word.QUIET, Word.ALARM, Word.OPEN)


def valid(entries: Mapping[Key, Entry], declaration: Declaration) -> dict[Key, Entry]:
    """Leave out what is about a shop that is not declared any more, or that something else must catch by now."""
    return {
        key: one for key, one in entries.items() if one.defect == GOOD or declaration.defects.get(one.defect) == one.meant
    }


def summary(
    entries: Collection[Entry],
    asked: Mapping[Pair, Sequence[int]],
    declaration: Declaration,
    name: Callable[[str], str] = visible,
) -> tuple[str, ...]:
    """Say in a few sentences what a gallery has shown; ``name`` writes the names that shops give."""
    bad, good = _rows(entries, asked, bad=True), _rows(entries, asked, bad=False)
    count = _counts([one for runs in bad.values() for one in runs])
    missing = sum(_not_flown(pair, runs, asked) for pair, runs in bad.items())
    whole = sum(
        bool(runs) and not _not_flown(pair, runs, asked) and _counts(runs)[Word.CAUGHT] == len(runs)
        for pair, runs in bad.items()
    )
    said = [
        f"Bad shops: {whole} of {len(bad)} pairs of bad shop and scenario were caught by the check meant to, each time.",
        f"Runs: {', '.join(f'{count[one]} {one}' for one in BAD_WORDS)}; {missing} not flown.",
    ]
    if never := [name(one) for one in declaration.defects if one not in {defect for defect, _ in bad}]:
        said.append(f"Bad shops that nothing is known of, for they were flown nowhere: {', '.join(never)}.")
    return (*said, _alarms([one for runs in good.values() for one in runs]))


def page(
    entries: Collection[Entry],
    asked: Mapping[Pair, Sequence[int]],
    declaration: Declaration,
    spoils: Mapping[str, str],
) -> str:
    """Give the whole page. ``asked`` are the runs that this gallery was to fly; ``spoils`` says what is bad in each shop."""
    return "\n\n".join([HEAD, *_paragraphs(entries, asked, declaration, spoils)]) + "\n"


def _paragraphs(
    entries: Collection[Entry],
    asked: Mapping[Pair, Sequence[int]],
    declaration: Declaration,
    spoils: Mapping[str, str],
) -> Iterator[str]:
    yield "\n".join(f"- {sentence}" for sentence in summary(entries, asked, declaration, escaped))
    yield SOURCE
    yield _flown(entries)
    yield "## Bad shops"
    heads = ("bad shop", "must be caught by", "scenario", *BAD_WORDS, "not flown", "seen", "commit", "runs")
    bad = sorted(_rows(entries, asked, bad=True).items(), key=lambda row: list(declaration.defects).index(row[0][0]))
    rows = []
    for pair, runs in bad:
        sentence = f"<br>{escaped(spoils[pair[0]])}" if pair[0] in spoils else ""
        first = f"{escaped(pair[0])}{sentence}", escaped(declaration.defects[pair[0]]), escaped(pair[1])
        rows.append((*first, *_cells(pair, runs, asked, BAD_WORDS)))
    yield _table(heads, rows)
    yield "## Good shop"
    good = sorted(_rows(entries, asked, bad=False).items())
    fewer = ("scenario", *GOOD_WORDS, "not flown", "seen", "commit", "runs")
    yield _table(fewer, [(escaped(pair[1]), *_cells(pair, runs, asked, GOOD_WORDS)) for pair, runs in good])


def _rows(entries: Collection[Entry], asked: Mapping[Pair, Sequence[int]], *, bad: bool) -> dict[Pair, tuple[Entry, ...]]:
    """Give the runs of each pair that was flown once, or is to be."""
    pairs = dict.fromkeys([*asked, *(one.pair for one in entries)])
    return {
        pair: tuple(sorted((one for one in entries if one.pair == pair), key=lambda one: one.part))
        for pair in pairs
        if (pair[0] != GOOD) == bad
    }


def _cells(pair: Pair, runs: Sequence[Entry], asked: Mapping[Pair, Sequence[int]], words: Sequence[Word]) -> tuple[str, ...]:
    """Write the counts of a pair's runs, what was seen in the one that needs looking at most, and where to look."""
    count = _counts(runs)
    telling = next((one for word in reversed(words) for one in runs if one.word is word and word is not Word.OPEN), None)
    telling = telling or next(iter(runs), None)
    return (
        *(str(count[word]) for word in words),
        str(_not_flown(pair, runs, asked)),
        escaped(telling.seen) if telling else "",
        ", ".join(dict.fromkeys(escaped(one.commit) or "unknown" for one in runs)),
        "<br>".join(escaped(one.run) for one in runs),
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table of cells that are escaped already."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def _counts(runs: Sequence[Entry]) -> dict[Word, int]:
    return {word: sum(one.word is word for one in runs) for word in Word}


def _not_flown(pair: Pair, runs: Sequence[Entry], asked: Mapping[Pair, Sequence[int]]) -> int:
    return len(set(asked.get(pair, ())) - {one.part for one in runs})


def _alarms(runs: Sequence[Entry]) -> str:
    """Give the false alarms of the good shop as a number, with its bound."""
    count = _counts(runs)
    alarms, decided = count[Word.ALARM], count[Word.QUIET] + count[Word.ALARM]
    undecided = f" {count[Word.OPEN]} more stayed open and count neither way." if count[Word.OPEN] else ""
    if not decided:
        return f"Good shop: no run was decided, so nothing is known of false alarms.{undecided}"
    bound = ceil(round(at_most(alarms, decided) * 1000, 6)) / 10  # up: a bound must hold; 6 places are the formula's own
    return (
        f"Good shop: {plural(alarms, 'false alarm')} in {plural(decided, 'decided run')}; "
        f"with 95 % confidence at most {bound:.1f} % of such runs raise one.{undecided}"
    )


def _flown(entries: Collection[Entry]) -> str:
    """Say when and where the runs were flown, and of what."""
    if not entries:
        return "Nothing has been flown."
    minutes = sum(one.duration_s for one in entries) / 60
    began = sorted(one.began for one in entries)
    machines = "; ".join(sorted({escaped(one.machine) for one in entries}))
    commits = ", ".join(sorted({escaped(one.commit) or "unknown" for one in entries}))
    word = f"{plural(len(entries), 'run')}, {minutes:,.0f} min in all, from {began[0]} to {began[-1]} (UTC)"
    return f"{word}, on {machines}, at commit {commits}."

"""How far the shop can go: two searches agree, and the part from which CPU is taken away is the one that gives way."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from harness.scenario import load as scenario_of
from tests.acceptance.flight import ROOT, must, windtunnel
from tests.acceptance.promised import TIMES, bad, good
from tests.acceptance.rows import Row
from tests.acceptance.stage import RUNS, Stage, scenario, verdicts
from tests.starved_shop import STARVED

PEAK, RUSH = scenario("thousand_orders"), scenario("overload")
LONGEST_S = 3000.0
AGREE = 1.1
BEYOND, KEPT = 2, 0.8  # at so many times the knee, and more, so much of the knee's rate is still served in time
STARVING = {"orders_db": 0.15, "lb": 0.05}  # cores: half of what each uses at the knee, and less


def sought(folder: Path, *words: str, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    """Seek the knee in a project of its own; give the exit code, and what each search came to."""
    starved = STARVED in environment
    shop = "tests.starved_shop:StarvedShop" if starved else "sut.shop:ReferenceShop"
    (folder / "pyproject.toml").write_text(f'[tool.windtunnel]\nshop = "{shop}"\n', encoding="utf-8")
    code, printed = windtunnel(
        *("knee", str(PEAK), "--wait", *words), env={"PYTHONPATH": str(ROOT), **environment}, within_s=LONGEST_S, cwd=folder
    )
    page = re.search(r"(?m)^Page: (\S+)$", printed)
    must(page, f"exit {code}, and no page: {printed[-800:]}")
    told = Path(page[1]).with_suffix(".json") if page else Path()
    return code, json.loads((folder / told).read_bytes())["searches"]


def twice(stage: Stage) -> str:
    """Search twice; beyond the knee the shop does not break down."""
    code, searches = sought(stage.folder, "--searches", "2")
    stage.exit_codes.append(code)
    rates = [int(one["knee_per_s"]) for one in searches]
    parts = [one["gave_way"]["part"] for one in searches if one["gave_way"]]
    beyond = [
        [
            (rung["offered_per_s"], rung["good_per_s"] / rate)
            for rung in one["rungs"]
            if rung["offered_per_s"] >= BEYOND * rate
        ]
        for rate, one in zip(rates, searches, strict=True)
    ]
    said = f"{' and '.join(map(str, rates))} orders/s; {' and '.join(parts)} gave way first; of that rate were good "
    said += ", ".join(f"{good:.0%} at {offered}/s" for found in beyond for offered, good in found)
    must(code == 0 and len(rates) == 2 and max(rates) <= AGREE * min(rates), f"exit {code}: {said}")
    must(all(beyond), f"nobody offered twice the knee, so nothing is known of what is beyond it: {said}")
    must(min(good for found in beyond for _, good in found) >= KEPT, f"it breaks down beyond the knee: {said}")
    return said


def follows(part: str, cores: float, stage: Stage) -> str:
    """Take CPU away from one part, and see it named."""
    code, (search,) = sought(stage.folder, "--from", "200", **{STARVED: f"{part}={cores:g}"})
    stage.exit_codes.append(code)
    gave = search["gave_way"] or {"part": "none", "because": ""}
    said = f"{search['knee_per_s']} orders/s; {gave['part']}: {gave['because']}"
    must(code == 0 and str(gave["part"]).partition("-")[0] == part, f"exit {code}: {said}")
    return said


def shedding(stage: Stage) -> str:
    """Let twice the knee of this machine come at once, shop and generator with cores of their own, as the knee was found.

    The good shop turns people away, serves four fifths of its knee, and ten seconds later all is as before; the one that
    does not is caught.
    """
    _, (search,) = sought(stage.folder)
    load = scenario_of(RUSH).load
    rate = BEYOND * search["knee_per_s"] * load.arrivals.orders_per_s / load.stages[0].orders_per_s
    at = ("--rate", f"{rate:.0f}", "--apart")
    stood = good(RUSH, stage, TIMES, at)
    kept = [verdicts(RUNS / run)["served"]["measured"]["ratio"] * BEYOND for run in stage.runs]
    must(min(kept) >= KEPT, f"{' '.join(at)}: of the knee's rate only {', '.join(f'{one:.0%}' for one in kept)} were good")
    caught = bad("no_shedding", RUSH, stage, TIMES, at)
    shares = ", ".join(f"{one:.0%}" for one in kept)
    return f"knee {search['knee_per_s']}/s, so {' '.join(at)}; good shop: {stood}, {shares} good; no_shedding: {caught}"


ROWS = [
    Row(
        id="knee.twice",
        must_say="exit 0: the two searches agree within a tenth; at twice that rate 80 % of it are still good",
        minutes=18,
        play=twice,
    ),
    Row(
        id="knee.shedding",
        must_say=f"with twice the knee in the rush of `overload`: PASS, exit 0, {TIMES} times in a row, {KEPT:.0%} of the "
        "knee's rate still good; the shop that turns "
        f"nobody away: FAIL back_after_heal, exit 1, {TIMES} times in a row",
        minutes=23,
        play=shedding,
    ),
    *(
        Row(
            id=f"knee.follows.{part}",
            must_say=f"exit 0: with {cores:g} cores, {part} is named as what gives way first",
            minutes=9,
            play=partial(follows, part, cores),
        )
        for part, cores in STARVING.items()
    ),
]

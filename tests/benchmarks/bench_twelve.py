"""Twelve detectors at once on SYNTHETIC photographs: how good each is, what they cost beside one, and one photograph.

The phantoms have the signs of twelve diseases and nothing else of them: the figures say that the whole way from a table
to twelve detectors works, and nothing about patients. Printed are the test AUROC of every detector, the time that the
whole training takes for twelve findings relative to one (frozen preset, shared features), and the time of one analysis
with maps for all twelve in a warm worker.

With ``--folder`` everything is kept: called again, it goes on where it was stopped, and the times of what was not
finished in one go are too short.

    python -m tests.benchmarks.bench_twelve [--photographs 480] [--recipe quick] [--set KEY=VALUE ...] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from medtransfer.cohort import phantom_diseases
from medtransfer.contract.bundle import BundleCard
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

PLUGIN = "medtransfer.fundus-trio"
ROUNDS = 3
TIMES = "seconds.json"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=int, default=480)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        table = folder / "phantoms" / "labels.csv"
        if not table.exists():
            phantom_diseases.write_cohort(folder / "phantoms", chosen.photographs, seed=1)
        settings = dict(setting.split("=", 1) for setting in chosen.set)
        wish = Wish(PLUGIN, table, recipe=chosen.recipe, name="twelve", settings=settings)
        one, _ = _train(folder / "one", replace(wish, labels=phantom_diseases.DISEASES[:1]))
        twelve, card = _train(folder / "twelve", replace(wish, labels=phantom_diseases.DISEASES))
        assert card.evaluation is not None
        for label in card.evaluation.of("tuned").labels:
            area, own = label.metrics["auroc"], card.extra["training"][label.label]
            print(f"{label.label:5s} AUROC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})  "
                  f"{label.positives} of {label.cases} test photographs, answered by {own['answered_by']}, "
                  f"{own['seconds']:.0f} s")  # fmt: skip
        for what, index in (("elapsed", 0), ("of the processor", 1)):
            print(f"seconds {what}: one detector {one[index]:.0f}, twelve {twelve[index]:.0f}: "
                  f"{twelve[index] / one[index]:.2f} times")  # fmt: skip
        print(f"one photograph, twelve findings, all maps, warm: {_analysed(folder / 'twelve'):.1f} s")


def _train(folder: Path, wish: Wish) -> tuple[tuple[float, float], BundleCard]:
    """Return the seconds that a training takes in a store of its own, where nothing is cached, and the model's card.

    Seconds are those that pass, and those that the worker's threads spend on processors together.
    """
    home = Home.locate(folder / "home").prepare()
    begun, before = time.monotonic(), os.times()
    with Session(home) as session:
        card = learn(session, wish, folder / "training").bundle.card
    after, kept = os.times(), folder / TIMES
    if not kept.exists():
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        kept.write_text(json.dumps([time.monotonic() - begun, spent]), encoding="utf-8")
    elapsed, spent = json.loads(kept.read_text(encoding="utf-8"))
    return (elapsed, spent), card


def _analysed(folder: Path) -> float:
    """Return the seconds of an analysis by the model that was trained there, in a worker that has loaded it."""
    picture = next((folder.parent / "phantoms" / "images").iterdir())
    times = []
    with Session(Home.locate(folder / "home").prepare()) as session:
        for _ in range(ROUNDS):
            begun = time.monotonic()
            options = Options(PLUGIN, model="twelve", explain=("all",), formats=("json",))
            done = analyse(session, [picture], options, folder / f"result-{time.time_ns()}").done
            assert len(done) == 1
            times.append(time.monotonic() - begun)
    return min(times)


if __name__ == "__main__":
    main()

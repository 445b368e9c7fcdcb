"""Fine-tuning against frozen features with scikit-learn's logistic regression, on IDRiD, over several patient splits.

Prints, per label and seed, the test AUROC of both with patient-bootstrap 95 % intervals and their paired difference,
and the means over seeds, whichever way they fall. Needs the folder of real images (``MEDTRANSFER_DATA``).

    python tests/benchmarks/bench_idrid.py [--seeds 5] [--recipe standard] [--set KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from medtransfer.contract.evaluation import Evaluation, LabelEvaluation
from medtransfer.store.home import Home
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("dr", "dr_referable", "dme")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recipe", default="standard")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    settings = dict(setting.split("=", 1) for setting in chosen.set)
    data = Path(os.environ.get("MEDTRANSFER_DATA", ROOT.parent / "shared" / "data")) / "fundus" / "idrid" / "labels.csv"
    evaluations = []
    with tempfile.TemporaryDirectory() as temporary:
        home = Home.locate(Path(temporary) / "home").prepare()
        for seed in range(1, chosen.seeds + 1):
            begun = time.monotonic()
            wish = Wish(
                "medtransfer.fundus-trio",
                data,
                recipe=chosen.recipe,
                name=f"seed-{seed}",
                labels=LABELS,
                settings={**settings, "seed": seed},
            )
            with Session(home) as session:
                learnt = learn(session, wish, Path(temporary) / f"seed-{seed}")
            evaluation = learnt.bundle.card.evaluation
            assert evaluation is not None
            evaluations.append(evaluation)
            _print_seed(seed, evaluation, time.monotonic() - begun)
    _print_means(evaluations)


def _print_seed(seed: int, evaluation: Evaluation, seconds: float) -> None:
    print(f"seed {seed}: {evaluation.cases} test cases, {seconds:.0f} s")
    for label in LABELS:
        tuned, frozen = _of(evaluation, "tuned", label), _of(evaluation, "untuned", label)
        difference = next(
            entry.difference for entry in evaluation.differences if (entry.label, entry.metric) == (label, "auroc")
        )
        print(
            f"  {label:13s} fine-tuned {_shown(tuned)}   frozen + logistic regression {_shown(frozen)}   "
            f"difference {difference.value:+.3f} ({_bound(difference.low)} to {_bound(difference.high)})",
            flush=True,
        )


def _print_means(evaluations: list[Evaluation]) -> None:
    print(f"mean of {len(evaluations)} seeds")
    for label in LABELS:
        tuned, frozen = (
            np.array([_of(evaluation, model, label).metrics["auroc"].value for evaluation in evaluations])
            for model in ("tuned", "untuned")
        )
        print(
            f"  {label:13s} fine-tuned {tuned.mean():.4f}   frozen {frozen.mean():.4f}   "
            f"difference {np.mean(tuned - frozen):+.4f} (spread over seeds {np.std(tuned - frozen):.4f})"
        )


def _of(evaluation: Evaluation, model: str, label: str) -> LabelEvaluation:
    entry = next(entry for entry in evaluation.models if entry.model == model)
    return next(own for own in entry.labels if own.label == label)


def _shown(label: LabelEvaluation) -> str:
    auroc = label.metrics["auroc"]
    return f"{auroc.value:.3f} ({_bound(auroc.low)}-{_bound(auroc.high)})"


def _bound(value: float | None) -> str:
    return "?" if value is None else f"{value:+.3f}" if value < 0 else f"{value:.3f}"


if __name__ == "__main__":
    main()

"""Bootstrap AUROC of 500 cases, 3 labels and 2 models: sorting once against a loop over scikit-learn.

Run with ``python -m tests.benchmarks.bench_evaluation``. The ratio of processor time is what counts: both run in the
same process on one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import roc_auc_score

from medtransfer.transfer import bootstrap, metrics
from medtransfer.transfer.answers import Answers, EvaluationInput, LabelInput
from medtransfer.transfer.evaluation import evaluate
from medtransfer.transfer.metrics import BoolArray, CountArray, FloatArray

CASES, LABELS, RESAMPLES = 500, 3, 2000
PEER_RESAMPLES = 100
"""scikit-learn's loop runs this many resamples and is scaled up."""


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def with_scikit_learn(truth: BoolArray, scores: FloatArray, weights: CountArray) -> FloatArray:
    return np.array([roc_auc_score(truth, scores, sample_weight=row) for row in weights])


def main() -> None:
    generator = np.random.default_rng(0)
    patients = np.arange(CASES) // 2
    truths = [(generator.random(CASES // 2) < 0.3)[patients] for _ in range(LABELS)]
    scores = [[generator.random(CASES) * (1.0 + truth) / 2.0 for _ in range(2)] for truth in truths]
    weights = [np.concatenate(list(bootstrap.resamples(patients, truth, RESAMPLES, generator))) for truth in truths]
    pairs = [
        (truth, score, drawn) for truth, both, drawn in zip(truths, scores, weights, strict=True) for score in both
    ]

    ours = seconds(lambda: [metrics.auroc(metrics.rank(*pair)) for pair in pairs])
    fewer = [(truth, score, drawn[:PEER_RESAMPLES]) for truth, score, drawn in pairs]
    peer = seconds(lambda: [with_scikit_learn(*pair) for pair in fewer]) * RESAMPLES / PEER_RESAMPLES
    apart = max(np.abs(metrics.auroc(metrics.rank(*pair)) - with_scikit_learn(*pair)).max() for pair in fewer)
    print(f"AUROC, {LABELS} labels x 2 models x {RESAMPLES} resamples, {CASES} cases")
    print(f"  sorting once     {ours:8.3f} s")
    print(f"  scikit-learn     {peer:8.3f} s (from {PEER_RESAMPLES} resamples)")
    print(f"  ratio            {ours / peer:8.4f}   largest difference {apart:.1e}")

    labels = [
        LabelInput(
            f"label{number}",
            f"Label {number}",
            truth.astype(np.float64),
            {
                "tuned": Answers(both[0], 0.5),
                "untuned": Answers(both[1], 0.5),
                "trivial": Answers.constant(0.3, CASES),
            },
        )
        for number, (truth, both) in enumerate(zip(truths, scores, strict=True))
    ]
    whole = seconds(lambda: evaluate(EvaluationInput(labels, [str(patient) for patient in patients]), RESAMPLES))
    print(f"the whole evaluation, all figures, three models: {whole:.2f} s")


if __name__ == "__main__":
    main()

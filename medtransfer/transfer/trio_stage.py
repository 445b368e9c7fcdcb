"""What the network learns that the findings of a trio share: any disease at all, or all findings together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from medtransfer.cohort.model import Case
from medtransfer.transfer import probe
from medtransfer.transfer.division import last_layer
from medtransfer.transfer.fit import LabelledKeys
from medtransfer.transfer.judgement import truth_of


def any_disease(cases: Sequence[Case], labels: Sequence[str]) -> LabelledKeys:
    """Return whether any label is present: 1, or 0 where no known one is. Cases of which none is known are left out.

    Tables put together from several sources know different labels of different cases.
    """
    together = together_of(cases, labels)
    return LabelledKeys(together.keys, np.nanmax(together.truth, axis=1) if together.keys else np.empty(0))


def together_of(cases: Sequence[Case], labels: Sequence[str]) -> LabelledKeys:
    """Return all labels of cases of which any is known: 1, 0 or NaN, (n, labels)."""
    truth = np.stack([truth_of(cases, label) for label in labels], axis=1)
    known = np.flatnonzero((~np.isnan(truth)).any(axis=1))
    return LabelledKeys([cases[int(number)].key for number in known], truth[known])


def outputs_of(cases: LabelledKeys) -> int:
    """Return how many outputs a network needs to learn these cases' answers."""
    return int(cases.truth.shape[1]) if cases.truth.ndim == 2 else 1


def has_both(cases: LabelledKeys) -> NDArray[np.bool_]:
    """Return for each output whether there are cases with and without, (outputs,)."""
    truth = cases.truth.reshape(len(cases.keys), outputs_of(cases))
    return np.asarray((truth == 1).any(axis=0) & (truth == 0).any(axis=0))


def with_outputs(network: nn.Module, outputs: int) -> None:
    """Give a timm network a new last layer."""
    cast("Any", network).reset_classifier(outputs)


def start(
    network: nn.Module, features: NDArray[np.float32], cases: LabelledKeys, patients: NDArray[np.int64], seed: int
) -> None:
    """Let each output of the last layer start as a regression on its features (n, d); 0 where that is impossible."""
    layer = last_layer(network)
    truth = cases.truth.reshape(len(cases.keys), outputs_of(cases))
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.zero_()
        for output in np.flatnonzero(has_both(cases)):
            known = ~np.isnan(truth[:, output])
            fitted = probe.fit(features[known], truth[known, output], patients[known], seed)
            layer.weight[output] = torch.from_numpy(fitted.weight).to(layer.weight)
            layer.bias[output] = fitted.bias

"""What the models answered on the test cases: the input of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from medtransfer.errors import PluginError
from medtransfer.transfer.metrics import FloatArray

ModelKind = Literal["tuned", "untuned", "trivial"]
MODELS: tuple[ModelKind, ...] = ("tuned", "untuned", "trivial")
DESCRIPTIONS: Mapping[ModelKind, str] = {
    "tuned": "the model as it was fitted to the training cases",
    "untuned": "the pretrained network as it came, with a logistic regression on its features",
    "trivial": "always the share of positive cases among the training cases",
}


@dataclass(frozen=True, eq=False)
class Answers:
    """One model's calibrated probabilities for one label, shape (cases,), in [0, 1], and its operating threshold."""

    probabilities: FloatArray
    threshold: float

    @classmethod
    def constant(cls, probability: float, cases: int) -> Answers:
        """Return the trivial answer: the same probability for every case, positive when that is at least one half."""
        return cls(np.full(cases, probability), 0.5)


@dataclass(frozen=True, eq=False)
class LabelInput:
    """One label: its id, its name for people, the truth and what each model says.

    ``truth`` is 1 present, 0 absent, NaN unknown (left out), shape (cases,).
    """

    label: str
    name: str
    truth: FloatArray
    answers: Mapping[ModelKind, Answers]


@dataclass(frozen=True, eq=False)
class EvaluationInput:
    """The test cases.

    Attributes
    ----------
    patients
        The patient of each case, only to group them: not stored.
    columns
        Further columns of the table (``site``) by name, one value per case, empty for unknown.
    descriptions
        What each model is, in words.
    """

    labels: Sequence[LabelInput]
    patients: Sequence[str]
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    descriptions: Mapping[ModelKind, str] = field(default_factory=lambda: DESCRIPTIONS)

    def check(self) -> None:
        """Check that every model gave one probability per case.

        Raises
        ------
        PluginError
            When the number of answers is not that of the cases, or one is not a number in [0, 1].
        """
        for label in self.labels:
            for answers in label.answers.values():
                values = answers.probabilities
                right = values.shape == label.truth.shape == (len(self.patients),)
                if not right or not np.all((values >= 0.0) & (values <= 1.0)):
                    raise PluginError(
                        f"the model's answers for {label.label!r} are not one probability per case",
                        code="evaluation.answers",
                        hint="Training may have diverged: use a smaller learning rate, or another recipe.",
                    )

"""The trio: what three components say of a case, and the learners that vote on it, for one label.

After Inan 2024 (arXiv 2405.18449): A, a network tuned to the label; B, a network tuned to disease in general first and
to the label then; C, a Siamese network with its support set. The paper leaves open what the learners read. Here it is
one number of each component, which all speak for the label the more, the larger they are. Not the networks' feature
vectors: those of different folds lie in different spaces. And not several numbers of C: they say nearly the same, and
learners that pick numbers at random then hardly look at A and B.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.transfer import voting
from medtransfer.transfer.siamese import Siamese
from medtransfer.transfer.voting import Cases, Vote

FloatArray = NDArray[np.float64]

COMPONENTS = ("A", "B", "C")
"""In the order of a case's numbers: two logits, and :meth:`Siamese.likeness`."""
COMBINATIONS = ("A", "B", "C", "A+B", "A+B+C")
"""What is compared, so that the worth of the trio is seen."""
RARE = 20
"""With fewer positive training cases than this the Siamese component answers alone."""
_SHARPNESS = 4.0
"""Logit per distance on the unit sphere, where C answers alone."""


@dataclass(frozen=True, eq=False)
class Trio:
    """How one label is answered from what the components say.

    Attributes
    ----------
    siamese
        Component C.
    votes
        Fitted votes by combination; those of a single component need none.
    answers
        The combination that is the model's answer.
    means
        Each number's mean over the training cases, (3,): what "without this component" is measured with.
    """

    siamese: Siamese
    votes: Mapping[str, Vote]
    answers: str
    means: FloatArray

    @property
    def combinations(self) -> list[str]:
        """The combinations that can answer: those of several components need a vote."""
        return [name for name in COMBINATIONS if name in COMPONENTS or name in self.votes]

    def logits(self, numbers: FloatArray, combination: str = "") -> FloatArray:
        """Return the logit of each case of numbers (n, 3), shape (n,); by the model's own combination unless named."""
        named = combination or self.answers
        chosen = numbers[:, columns(named)]
        if named in self.votes:
            return self.votes[named].logits(chosen)
        return chosen[:, 0] * (_SHARPNESS if named == "C" else 1.0)

    def without(self, numbers: FloatArray, component: str) -> FloatArray:
        """Return the logit of each case if a component had said of it what it says on average."""
        changed = numbers.copy()
        changed[:, columns(component)] = self.means[columns(component)]
        return self.logits(changed)

    def learners(self, numbers: FloatArray) -> dict[str, FloatArray]:
        """Return each learner's probability for each case, before calibration; empty where none was fitted."""
        if self.answers not in self.votes:
            return {}
        vote = self.votes[self.answers]
        said = vote.probabilities(numbers[:, columns(self.answers)])
        return {kind: said[:, index] for index, kind in enumerate(vote.learners)}

    def without_learner(self, numbers: FloatArray, kind: str) -> FloatArray | None:
        """Return the logit of each case if one learner had not voted; None where it is the only one."""
        vote = self.votes[self.answers]
        if len(vote.learners) < 2:
            return None
        return vote.logits_without(numbers[:, columns(self.answers)], kind)

    def tensors(self) -> dict[str, Tensor]:
        """Return what is stored with the model: the combination that answers, not those it was compared with."""
        stored = {f"siamese.{name}": value for name, value in self.siamese.tensors().items()}
        if self.answers in self.votes:
            stored.update({f"learners.{name}": value for name, value in self.votes[self.answers].tensors().items()})
        place = torch.tensor([COMBINATIONS.index(self.answers)])
        return {**stored, "answers": place, "means": torch.from_numpy(self.means)}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Trio:
        """Return what :meth:`tensors` stored."""
        answers = COMBINATIONS[int(tensors["answers"][0])]
        learners = _below(tensors, "learners.")
        votes = {answers: Vote.of(learners)} if learners else {}
        return cls(Siamese.of(_below(tensors, "siamese.")), votes, answers, tensors["means"].numpy())


def columns(combination: str) -> list[int]:
    """Return which of a case's numbers a combination such as ``A+B`` reads."""
    return [COMPONENTS.index(name) for name in combination.split("+")]


def numbers_of(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """Put together what the components say, each (n,): two logits and C's likeness, to (n, 3)."""
    return np.column_stack([a, b, c])


def learn(found: Siamese, out_of_fold: Cases, combination: str, seed: int) -> Trio:
    """Learn how to vote.

    Parameters
    ----------
    found
        Component C as it learnt from all training cases.
    out_of_fold
        What components say (n, 3) of training cases whose patients they had not seen; no case at all where there are
        too few to hold any out.
    combination
        How the learners' answers are combined: see :func:`voting.fit`.
    """
    positives = int(out_of_fold.truth.sum())
    if not out_of_fold.truth.size:
        return Trio(found, {}, "C", np.zeros(len(COMPONENTS)))
    kinds = voting.LEARNERS if positives >= RARE else voting.LEARNERS[:1]
    votes = {
        name: voting.fit(_columns_of(out_of_fold, name), kinds, combination, seed)
        for name in COMBINATIONS
        if name not in COMPONENTS
    }
    answers = "A+B+C" if positives >= RARE else "C"
    return Trio(found, votes, answers, out_of_fold.numbers.mean(axis=0))


def _columns_of(cases: Cases, combination: str) -> Cases:
    return Cases(cases.numbers[:, columns(combination)], cases.truth, cases.patients)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

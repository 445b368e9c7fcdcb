"""Cross-fitting: every case answered by something that has not seen its patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from medtransfer.errors import InternalError

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Fold:
    """Positions of the cases to learn from and of those held out, int64."""

    train: NDArray[np.int64]
    held: NDArray[np.int64]


def grouped(truth: NDArray[np.float64], patients: NDArray[np.int64], seed: int, count: int = FOLDS) -> list[Fold]:
    """Divide cases so that a patient is held out as a whole, each class spread evenly.

    Parameters
    ----------
    truth
        1 or 0, (n,).
    patients
        The number of each case's patient, (n,).
    count
        Folds that are wished for; there are as many at most as the rarer class has patients. Folds whose cases to learn
        from would be all of one class cannot be avoided where one patient has all positive cases.

    Returns
    -------
    list of Fold
        Empty when a class has fewer than two patients.
    """
    rarer = min(np.unique(patients[truth == value]).size for value in (0, 1))
    if rarer < 2:
        return []
    splitter = StratifiedGroupKFold(min(count, int(rarer)), shuffle=True, random_state=seed)
    return [Fold(train, held) for train, held in splitter.split(truth, truth, patients)]


def shared(labels: NDArray[np.float64], patients: NDArray[np.int64], count: int, seed: int) -> list[Fold]:
    """Divide cases for several labels at once, so that all can share what is learnt once per fold.

    Patients are dealt out as by Sechidis, Tsoumakas and Vlahavas (ECML PKDD 2011): those with the label that is rarest
    among the patients left first, each to the fold that has the fewest of it.

    Parameters
    ----------
    labels
        1 present, 0 absent, NaN unknown: (n, labels).
    patients
        The number of each case's patient, (n,).
    count
        Folds, as long as there are as many patients.
    """
    people, of_case = np.unique(patients, return_inverse=True)
    present = np.stack([np.nanmax(np.nan_to_num(labels[of_case == i]), axis=0) for i in range(people.size)])
    count = min(count, people.size)
    held = np.zeros((count, labels.shape[1] + 1))
    content = np.concatenate([present, np.ones((people.size, 1))], axis=1)
    chance = np.random.default_rng(seed)
    waiting = list(chance.permutation(people.size))
    fold_of = np.empty(people.size, dtype=np.int64)
    while waiting:
        left = content[waiting].sum(axis=0)
        rarest = int(np.argmin(np.where(left > 0, left, np.inf)))
        for person in [person for person in waiting if content[person, rarest] > 0]:
            fold = int(np.lexsort((chance.random(count), held[:, -1], held[:, rarest]))[0])
            fold_of[person] = fold
            held[fold] += content[person]
        waiting = [person for person in waiting if content[person, rarest] == 0]
    numbers = fold_of[of_case]
    return [Fold(np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in range(count)]


def out_of_fold(
    folds: Sequence[Fold], patients: NDArray[np.int64], answer: Callable[[Fold], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return for every case what ``answer`` says in the fold that holds it out.

    Parameters
    ----------
    folds
        Each case is held out in exactly one of them.
    patients
        The number of each case's patient, (n,).
    answer
        Learns from ``fold.train`` and returns one row per case of ``fold.held``.

    Raises
    ------
    InternalError
        ``folds.leak`` when a case is held out twice or never, or its patient is among those whom its own answer is
        learnt from.
    """
    held = np.concatenate([fold.held for fold in folds]) if folds else np.empty(0, dtype=np.int64)
    whole = held.size > 0 and np.array_equal(np.sort(held), np.arange(patients.size))
    if not whole or any(np.intersect1d(patients[fold.train], patients[fold.held]).size for fold in folds):
        raise InternalError(
            "patients would be answered by what has learnt from them",
            code="folds.leak",
            hint="This is a bug: please report it.",
        )
    answers = [answer(fold) for fold in folds]
    found = np.empty((held.size, *answers[0].shape[1:]), dtype=np.float64)
    for fold, said in zip(folds, answers, strict=True):
        found[fold.held] = said
    return found

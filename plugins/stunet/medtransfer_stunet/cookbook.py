"""Which size to fine-tune, and what pretraining is likely to bring: SegBook's tables, looked up.

The numbers are means over whole data sets of others. They say what to try first, not what a person's own cases give.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from medtransfer_stunet.network import Size

Modality = Literal["CT", "MR", "US", "CT+PET"]
Target = Literal["seen", "unseen", "lesion"]
Group = Literal["small", "medium", "large"]

NEGLIGIBLE = 0.5
"""A larger network must bring more points of Dice than this to be worth its time and memory."""
_CLEAR, _SOME = 2.0, 1.0  # points of Dice


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Groups(_Table):
    small: float
    medium: float
    large: float

    def of(self, group: Group) -> float:
        return float(getattr(self, group))


class _MostCases(_Table):
    small: int
    medium: int


class _SegBook(_Table):
    citation: str
    most_cases: _MostCases
    nnunet: _Groups
    scratch: dict[Size, _Groups]
    pretrained: dict[Size, _Groups]
    gain: dict[Modality, dict[Target, dict[Size, float]]]


class Recommendation(BaseModel):
    """What to try first.

    Attributes
    ----------
    size
        Size of the network.
    fallback
        Smaller size for a machine that cannot train the first.
    fallback_loss
        Points of Dice that the smaller size was worse by on sets of this many cases.
    gain
        Points of Dice that pretraining brought for this modality and target in this size; None where no data set of
        the kind was tried.
    gain_by_cases
        The same for sets of this many cases, of any modality and target.
    benefit
        The more specific of the two gains in a word: ``clear`` from 2 points on, ``some`` from 1 on, else ``little``.
    group
        Whether the number of cases counts as small, medium or large; the limits are approximate.
    reasons
        Sentences for the person, with figures.
    citation
        Where the figures are from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size
    fallback: Size
    fallback_loss: float = Field(ge=0.0)
    gain: float | None
    gain_by_cases: float
    benefit: Literal["clear", "some", "little"]
    group: Group
    reasons: tuple[str, ...]
    citation: str


def recommend(modality: Modality, target: Target, cases: int) -> Recommendation:
    """Return what to try first for a cohort.

    Parameters
    ----------
    modality
        How the volumes were taken.
    target
        ``seen``: a structure among the 104 of the pretraining; ``unseen``: another structure; ``lesion``.
    cases
        Labelled cases, at least 1.
    """
    if cases < 1:
        raise ValueError("a cohort has at least one case")
    book = _segbook()
    group = _group(book, cases)
    scores = {size: table.of(group) for size, table in book.pretrained.items()}
    ascending = sorted(scores, key=list(scores).index)  # as in the file: from the smallest to the largest network
    size = next(one for one in ascending if scores[one] >= max(scores.values()) - NEGLIGIBLE)
    fallback = ascending[max(0, ascending.index(size) - 1)]
    gain = book.gain[modality].get(target, {}).get(size)
    gain_by_cases = round(scores[size] - book.scratch[size].of(group), 2)
    specific = gain_by_cases if gain is None else gain
    return Recommendation(
        size=size,
        fallback=fallback,
        fallback_loss=round(max(0.0, scores[size] - scores[fallback]), 2),
        gain=gain,
        gain_by_cases=gain_by_cases,
        benefit="clear" if specific >= _CLEAR else "some" if specific >= _SOME else "little",
        group=group,
        reasons=_reasons(book, size, group, modality, target, gain),
        citation=book.citation,
    )


def _group(book: _SegBook, cases: int) -> Group:
    if cases <= book.most_cases.small:
        return "small"
    return "medium" if cases <= book.most_cases.medium else "large"


def _reasons(
    book: _SegBook, size: Size, group: Group, modality: Modality, target: Target, gain: float | None
) -> tuple[str, ...]:
    pretrained, scratch = book.pretrained[size].of(group), book.scratch[size].of(group)
    largest = book.pretrained["H"].of(group)
    kind = f"{modality} with {_in_words(target)}"
    return (
        f"On {group} sets STU-Net-{size} reached a mean Dice of {pretrained:.1f} % with pretraining and "
        f"{scratch:.1f} % without; nnU-Net reached {book.nnunet.of(group):.1f} %.",
        f"The largest size, H, reached {largest:.1f} % there: it is not worth its threefold size.",
        f"For {kind}, pretraining changed the Dice of size {size} by {gain:+.2f} points."
        if gain is not None
        else f"No data set of {kind} was tried: only the figures by number of cases apply.",
        "These are means over other people's data sets: compare on your own validation cases.",
    )


def _in_words(target: Target) -> str:
    words: dict[Target, str] = {
        "seen": "structures that the pretraining had seen",
        "unseen": "structures that the pretraining had not seen",
        "lesion": "lesions",
    }
    return words[target]


@cache
def _segbook() -> _SegBook:
    text = (resources.files(__package__) / "segbook.toml").read_text(encoding="utf-8")
    return _SegBook.model_validate(tomllib.loads(text))

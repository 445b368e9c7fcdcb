"""Findings that a report leaves open, and what training makes of them.

CheXpert's labeller writes -1 where a report says neither yes nor no. The policies are those of Irvin et al. (AAAI
2019, arXiv 1901.07031, section 3.1): ignore them, take them as present, or take them as absent. ``mixed`` is what Xiao
et al. (WACV 2023, arXiv 2210.12843) did: present for atelectasis and edema, absent for everything else.
"""

from __future__ import annotations

from typing import Literal

from medtransfer.cohort.model import Problem

Uncertainty = Literal["unknown", "positive", "negative", "mixed"]
POSITIVE_WHEN_MIXED = frozenset({"atelectasis", "edema"})
_WORDS: dict[Uncertainty, str] = {
    "unknown": "unknown",
    "positive": "present",
    "negative": "absent",
    "mixed": "present for atelectasis and edema, absent for the others",
}


def settled(label: str, policy: Uncertainty) -> int | None:
    """Return what an uncertain finding counts as: 1 present, 0 absent, None neither trained on nor counted."""
    if policy == "unknown":
        return None
    if policy == "mixed":
        return int(label in POSITIVE_WHEN_MIXED)
    return int(policy == "positive")


def counted_as(code: str, number: int, policy: Uncertainty) -> Problem:
    """Say how many answers are uncertain, what they count as, and where that is decided."""
    return Problem(
        code,
        "info",
        f"{number:,} answers are uncertain (-1) and count as {_WORDS[policy]}",
        "The recipe's setting `uncertain` decides: unknown, positive, negative or mixed.",
    )

"""What the reader of a published data set returns: its pictures, before anybody looked whether they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medtransfer.cohort.model import Box, Partition, Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture that a data set lists.

    Attributes
    ----------
    image
        Its file; None where no file of that name is in the folder.
    patient
        Unique within the data set.
    labels
        Label id to 1 (present), 0 (absent) or None (unknown).
    uncertain
        Labels, unknown so far, of which the data set says "perhaps": what they count as is a setting of the recipe.
    split
        The part that the data set's authors put it into.
    site
        Clinic or collection that it comes from.
    attributes
        By which the test cases are also judged: view, sex, age, camera, eye.
    boxes
        In pixels of the file.
    """

    image: Path | None
    patient: str
    labels: Mapping[str, int | None]
    uncertain: frozenset[str] = frozenset()
    split: Partition | None = None
    site: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a data set lists.

    ``names`` are its labels by id, as people call them; ``problems`` say what was done that a person should know.
    """

    names: Mapping[str, str]
    entries: Sequence[Entry]
    problems: tuple[Problem, ...] = ()


def remark(code: str, message: str, hint: str = "") -> Problem:
    """Return something that a person should know, and need not do anything about."""
    return Problem(f"published.{code}", "info", message, hint)


def no_patients() -> Problem:
    """Warn that the data set does not say who is on a picture."""
    return Problem(
        "published.patients-unknown",
        "warning",
        "the data set names no patients: each picture counts as a patient of its own",
        "Two pictures of one person may be in training and test; figures may be a little too good.",
    )

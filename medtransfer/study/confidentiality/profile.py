"""Table E.1-1 of DICOM PS3.15: what is done to each attribute, and how the options change it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Literal

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.tag import BaseTag

from medtransfer.study import confidentiality

_TEMPORAL = frozenset({"DA", "TM", "DT"})
_PUBLIC_UIDS = frozenset({0x0008010C})  # Coding Scheme UID names a vocabulary, never a patient's object


class Action(StrEnum):
    """What happens to an attribute."""

    REMOVE = "removed"
    EMPTY = "emptied"
    DUMMY = "replaced by a dummy"
    MAP = "UID replaced"
    SHIFT = "date shifted"
    DESCEND = "kept, and its items cleaned"
    KEEP = "kept"


@dataclass(frozen=True, slots=True)
class Options:
    """What the basic profile's options retain.

    Attributes
    ----------
    dates
        ``remove`` (the basic profile), ``keep`` (Retain Longitudinal Temporal Information With Full Dates) or ``shift``
        (With Modified Dates: every date of one patient moves by the same number of days).
    uids
        ``replace`` (the basic profile) or ``keep`` (Retain UIDs).
    """

    dates: Literal["remove", "keep", "shift"] = "remove"
    uids: Literal["replace", "keep"] = "replace"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; ``basic`` is one of D, Z, X, U or several of them with slashes."""

    name: str
    basic: str
    is_uid: bool = False
    is_time: bool = False


def action_for(tag: BaseTag, vr: str, options: Options, *, strict: bool) -> Action:
    """Return what to do with an element.

    Parameters
    ----------
    tag, vr
        The element's tag, and its value representation by the data dictionary.
    strict
        Whether the object's IOD asks for values where others allow none, as the enhanced multi-frame objects do (their
        Enhanced General Equipment and functional group modules are of type 1). Where the table leaves the choice to
        the IOD ("X/Z/D"), a value is replaced by a dummy then, and emptied or removed otherwise.
    """
    if tag.is_private or _belongs_to_graphics(tag) or not dictionary_has_tag(tag):
        return Action.REMOVE
    rule = table().get(int(tag)) or _unlisted(tag, vr)
    if rule is None:
        return Action.DESCEND if vr == "SQ" else Action.KEEP
    return _retained(rule, vr, options) or _basic(rule.basic, vr, strict=strict)


def title(tag: BaseTag) -> str:
    """Return how a report names an element: its tag and name, or only its group where the name may be anyone's."""
    if tag.is_private:
        return "private elements"
    if _belongs_to_graphics(tag):
        return "curves and overlays"
    if not dictionary_has_tag(tag):
        return "elements that are not in the data dictionary"
    from pydicom.datadict import dictionary_description

    return f"({tag.group:04X},{tag.element:04X}) {dictionary_description(tag)}"


@cache
def table() -> dict[int, Rule]:
    """Return the table's rows for single tags; its rows for private, curve and overlay groups are in the code."""
    text = resources.files(confidentiality).joinpath("table-e1-1.csv").read_text(encoding="utf-8")
    return {
        int(row["tag"], 16): Rule(row["name"], row["basic"], row["retain_uids"] == "K", row["full_dates"] == "K")
        for row in csv.DictReader(text.splitlines())
        if "x" not in row["tag"] and row["tag"] != "private"
    }


def _retained(rule: Rule, vr: str, options: Options) -> Action | None:
    """Return what an option does instead of the basic profile; None where it does nothing."""
    if rule.is_uid and options.uids == "keep":
        return Action.DESCEND if vr == "SQ" else Action.KEEP
    if not rule.is_time or options.dates == "remove":
        return None
    if options.dates == "keep":
        return Action.KEEP
    # When dates move, times of day and the offset from UTC (SH) stay; time stamps in bytes do not.
    return {"DA": Action.SHIFT, "DT": Action.SHIFT, "TM": Action.KEEP, "SH": Action.KEEP}.get(vr)


def _basic(choices: str, vr: str, *, strict: bool) -> Action:
    """Choose among the actions that the table offers (PS3.15 table E.1-1a).

    A sequence that may be removed is: where it is optional, it must not stand there without items.
    """
    if choices == "X/Z/U*":
        return Action.DESCEND
    if strict and "D" in choices:
        return Action.DUMMY
    if choices == "X/Z/D" and vr == "SQ":
        return Action.REMOVE
    if "Z" in choices:
        return Action.EMPTY
    return {"X": Action.REMOVE, "D": Action.DUMMY, "U": Action.MAP}[choices[0]]


def _unlisted(tag: BaseTag, vr: str) -> Rule | None:
    """Return a rule for what the table does not list and yet names a person, a time or an object."""
    if vr == "UI" and int(tag) not in _PUBLIC_UIDS:
        return Rule("", "U", is_uid=True)
    if vr in _TEMPORAL:
        return Rule("", "Z", is_time=True)
    return {"PN": Rule("", "Z"), "UN": Rule("", "X")}.get(vr)


def _belongs_to_graphics(tag: BaseTag) -> bool:
    """Whether the tag is in a repeating group of curves (50xx) or overlays (60xx)."""
    return tag.group & 0xFF00 in {0x5000, 0x6000}


def vr_of(tag: BaseTag, stated: str | None) -> str:
    """Return the data dictionary's value representation; where it offers several, the one stated in the file."""
    known = dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"
    return stated if stated and stated in known.split(" or ") else known[:2]

"""Slices that lie where other slices lie: volumes in time, by echo or by diffusion, told apart and named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from medtransfer.errors import DataError
from medtransfer.study import checks
from medtransfer.study.dicom import ACQUISITION, Header
from medtransfer.study.dicom_pixels import stored_pixels
from medtransfer.study.volume import normal

_SAME_PLACE = 0.01  # mm
_MOST_KEYS = 3
_MOST_PARTS = 2  # times as many parts as slices at one place: beyond, a value numbers slices and not volumes
_MOST_COMPARED = 64  # pairs of slices whose pixels are compared

_WORDS: dict[str, Callable[[str], str]] = {
    "TemporalPositionIdentifier": "time {}".format,
    "EchoNumbers": "echo {}".format,
    "EchoTime": "echo time {} ms".format,
    "InversionTime": "inversion time {} ms".format,
    "DiffusionBValue": "b {}".format,
    "DiffusionGradientOrientation": lambda text: "direction " + " ".join(text.split("\\")),
    "ImageType": lambda text: "type " + " ".join(text.split("\\")[2:]).lower(),
    "AcquisitionNumber": "acquisition {}".format,
    "DimensionIndexValues": lambda text: "dimension " + " ".join(text.split("\\")),
}
_TELLING = ("DiffusionBValue", "EchoTime", "InversionTime")
_MOMENTS = {"TriggerTime": "phase", "AcquisitionTime": "time", "ContentTime": "time"}


@dataclass(frozen=True, slots=True)
class Part:
    """Slices of one volume, and what tells them from the other volumes at the same place: ``"echo 2"``."""

    headers: list[Header]
    name: str = ""


def divide(headers: list[Header]) -> list[Part]:
    """Divide parallel slices that repeat their places into volumes, in the order of what tells them apart.

    First by stated values, alone or together: time, echo, inversion time, b-value, direction, image type, acquisition.
    Else by their order in time, or by instance number, when every place is repeated equally often. Slices that repeat
    places otherwise, and slices without a place, stay together.
    """
    places = _places(headers)
    most = max(Counter(places).values(), default=1)
    if most == 1:
        return [Part(headers)]
    return _by_values(headers, places, most) or _by_order(headers, places, most) or [Part(headers)]


def without_copies(headers: list[Header]) -> list[Header]:
    """Leave out slices that repeat both the place and the pixels of an earlier one."""
    seen: dict[int, list[Header]] = defaultdict(list)
    places = _places(headers)
    if len(headers) - len(set(places)) > _MOST_COMPARED:
        return headers
    for header, place in zip(headers, places, strict=False):
        if not any(_same_pixels(header, earlier) for earlier in seen[place]):
            seen[place].append(header)
    return [header for kept in seen.values() for header in kept] or headers


def _same_pixels(one: Header, other: Header) -> bool:
    try:
        return _values(one) == _values(other) and np.array_equal(stored_pixels(one), stored_pixels(other))
    except DataError:
        return False


def _values(header: Header) -> Hashable:
    return header.slope, header.intercept, header.bits_stored, header.signed


def _places(headers: Sequence[Header]) -> list[int]:
    """Return the number of each slice's place along the normal; nothing when a slice has no place."""
    if any(checks.placement(headers)):
        return []
    heights = np.array([h.position for h in headers]) @ normal(headers[0].orientation)
    order = np.argsort(heights, kind="stable")
    numbers = np.empty(len(headers), dtype=int)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(heights[order]) > _SAME_PLACE)])
    return [int(number) for number in numbers]


def _by_values(headers: list[Header], places: list[int], most: int) -> list[Part]:
    varying = [key for key in _WORDS if len({_value(header, key) for header in headers}) > 1]
    for count in range(1, _MOST_KEYS + 1):
        for keys in combinations(varying, count):
            grouped: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for index, header in enumerate(headers):
                grouped[tuple(_value(header, key) for key in keys)].append(index)
            apart = all(len({places[i] for i in members}) == len(members) for members in grouped.values())
            if apart and len(grouped) <= _MOST_PARTS * most:
                parts = [[headers[i] for i in grouped[found]] for found in sorted(grouped, key=_in_order)]
                return [Part(part, _name(part, keys, headers)) for part in parts]
    return []


def _by_order(headers: list[Header], places: list[int], most: int) -> list[Part]:
    at: dict[int, list[Header]] = defaultdict(list)
    for header, place in zip(headers, places, strict=True):
        at[place].append(header)
    if any(len(members) != most for members in at.values()):
        return []
    for word, moment in _moments():
        if all(len({moment(header) for header in members}) == most for members in at.values()):
            ordered = [sorted(members, key=moment) for members in at.values()]
            parts = [[members[k] for members in ordered] for k in range(most)]
            return [
                Part(part, _name(part, (), headers, f"{word} {k} of {most}")) for k, part in enumerate(parts, start=1)
            ]
    return []


def _moments() -> list[tuple[str, Callable[[Header], tuple[float, str]]]]:
    def stated(key: str) -> Callable[[Header], tuple[float, str]]:
        return lambda header: _sortable(_value(header, key))

    return [
        *((word, stated(key)) for key, word in _MOMENTS.items()),
        ("repetition", lambda header: (float(header.number), "")),
    ]


def _value(header: Header, key: str) -> str:
    return header.acquisition[ACQUISITION.index(key)]


def _name(part: Sequence[Header], keys: Sequence[str], headers: Sequence[Header], *first: str) -> str:
    """Name a part by what divided it, and by what is the same in all of it and not in the others."""
    telling = [
        key
        for key in _TELLING
        if key not in keys
        and len({_value(header, key) for header in part}) == 1
        and len({_value(header, key) for header in headers}) > 1
    ]
    return ", ".join([*first, *(_WORDS[key](_shown(_value(part[0], key))) for key in (*keys, *telling))])


def _shown(text: str) -> str:
    """Return a number without needless digits, a word as it is."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text or "not stated"


def _in_order(found: tuple[str, ...]) -> list[tuple[float, str]]:
    return [_sortable(text) for text in found]


def _sortable(text: str) -> tuple[float, str]:
    """Sort numbers by size and before words."""
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text

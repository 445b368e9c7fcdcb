"""Lengths and areas measured on a slice, and the statistics of what lies within them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from medtransfer.gui.canvas.later import Later
from medtransfer.gui.canvas.slices import Plane, Slicing
from medtransfer.study.model import Units

Point = tuple[float, float]

_AT_ONCE = 100_000  # pixels
_REMEMBERED = 100

UNIT_NAMES: dict[Units, str] = {"HU": " HU", "Bq/ml": " Bq/ml", "stored": "", "display": ""}


class Kind(StrEnum):
    """What can be measured."""

    LENGTH = "length"
    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"


@dataclass(frozen=True)
class Measure:
    """One measure: ``start`` and ``end`` are places on the scene (a line's ends, or opposite corners)."""

    kind: Kind
    start: Point
    end: Point
    plane: Plane | None
    index: int

    def to(self, end: Point) -> Measure:
        """Return the same measure with another end."""
        return replace(self, end=end)

    @property
    def length(self) -> float:
        """Distance between start and end in the scene's unit."""
        return math.dist(self.start, self.end)

    @property
    def area(self) -> float:
        """Area in the scene's unit squared: nothing for a length."""
        box = abs((self.end[0] - self.start[0]) * (self.end[1] - self.start[1]))
        return {Kind.LENGTH: 0.0, Kind.RECTANGLE: box, Kind.ELLIPSE: box * math.pi / 4.0}[self.kind]


@dataclass(frozen=True)
class Statistics:
    """Of the pixels whose centres lie within a measure.

    ``mean`` has one figure, or three for red, green and blue; ``deviation`` is the population's, over all channels'
    mean; ``count`` counts pixels.
    """

    count: int
    mean: tuple[float, ...]
    deviation: float
    lowest: float
    highest: float


class Measures(QObject):
    """The measures taken on one image; ``changed`` is sent after every change."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Measure] = []

    def on(self, plane: Plane | None, index: int) -> list[Measure]:
        """Return the measures of one slice, the newest last."""
        return [item for item in self._items if item.plane == plane and item.index == index]

    def all(self) -> list[Measure]:
        """Return every measure, the oldest first."""
        return list(self._items)

    def add(self, measure: Measure, place: int | None = None) -> None:
        """Add a measure, at the end or at a place in the list."""
        self._items.insert(len(self._items) if place is None else place, measure)
        self.changed.emit()

    def remove(self, measure: Measure) -> int:
        """Take a measure away; return its place in the list."""
        place = self._items.index(measure)
        del self._items[place]
        self.changed.emit()
        return place

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self.changed.emit()


def statistics(pixels: NDArray[np.generic], slicing: Slicing, measure: Measure) -> Statistics | None:
    """Return the statistics of the pixels within a rectangle or an ellipse; None where there are none.

    ``pixels`` is the slice as shown, ``(rows, columns)`` or ``(rows, columns, 3)``.
    """
    if measure.kind is Kind.LENGTH:
        return None
    left, right = sorted((measure.start[0], measure.end[0]))
    top, bottom = sorted((measure.start[1], measure.end[1]))
    corners = [slicing.pixel(x, y) for x in (left, right) for y in (top, bottom)]
    rows = _whole([corner[0] for corner in corners], slicing.rows)
    columns = _whole([corner[1] for corner in corners], slicing.columns)
    part = pixels[rows.start : rows.stop, columns.start : columns.stop]
    row, column = np.ogrid[rows.start : rows.stop, columns.start : columns.stop]
    x = slicing.steps[0, 0] * (column + 0.5) + slicing.steps[0, 1] * (row + 0.5)
    y = slicing.steps[1, 1] * (row + 0.5)
    if measure.kind is Kind.RECTANGLE:
        within = (left <= x) & (x <= right) & (top <= y) & (y <= bottom)
    else:
        half_width, half_height = max((right - left) / 2, 1e-9), max((bottom - top) / 2, 1e-9)
        within = ((x - left) / half_width - 1) ** 2 + ((y - top) / half_height - 1) ** 2 <= 1.0
    values = part[np.broadcast_to(within, part.shape[:2])].astype(np.float64)
    if not len(values):
        return None
    channels = values.reshape(len(values), -1)
    grey = channels.mean(axis=1)
    return Statistics(
        count=len(values),
        mean=tuple(float(v) for v in channels.mean(axis=0)),
        deviation=float(grey.std()),
        lowest=float(grey.min()),
        highest=float(grey.max()),
    )


class Readings:
    """Statistics of the measures of one image, each worked out once; large areas in a thread."""

    def __init__(self, array: NDArray[np.generic], slicing: Slicing) -> None:
        self._array = array
        self._slicing = slicing
        self._known: dict[Measure, Statistics | None] = {}
        self._coming: dict[Measure, Later[Statistics | None]] = {}

    @property
    def pending(self) -> bool:
        """Whether some are still being worked out."""
        return any(later.pending for later in self._coming.values())

    def of(self, measure: Measure) -> Statistics | None:
        """Return the statistics of a measure; None where it has none, or none yet."""
        if measure in self._known:
            return self._known[measure]
        pixels = self._slicing.slice(self._array, measure.index)
        if measure.area / abs(float(np.linalg.det(self._slicing.steps))) <= _AT_ONCE:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            self._known[measure] = statistics(pixels, self._slicing, measure)
            return self._known[measure]
        if measure not in self._coming:
            if self.pending:  # it is being drawn: one at a time is enough
                return None
            self._coming = {measure: Later(lambda: statistics(pixels, self._slicing, measure))}
        later = self._coming[measure]
        if not later.pending:
            self._known[measure] = later.answer
        return later.answer


def describe(measure: Measure, found: Statistics | None, slicing: Slicing, units: Units) -> list[str]:
    """Return what to write beside a measure, one string a line."""
    unit = slicing.unit
    if measure.kind is Kind.LENGTH:
        return [f"{measure.length:.1f} {unit}"]
    lines = [f"{measure.area:.0f} {unit}²"]
    if found is not None:
        name = UNIT_NAMES[units]
        if len(found.mean) > 1:
            lines.append("mean RGB " + " ".join(f"{value:.0f}" for value in found.mean))
        else:
            lines.append(f"mean {figure(found.mean[0])}{name}  SD {figure(found.deviation)}")
            lines.append(f"{figure(found.lowest)} to {figure(found.highest)}{name}  n {found.count}")
    return lines


def figure(value: float) -> str:
    """Write a value as a person reads it: a true minus, and decimals only where they tell something."""
    text = f"{value:.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.1f}"
    if abs(value) < 1 and not float(value).is_integer():
        text = f"{value:.3g}"
    return true_minus(text)


def true_minus(text: str) -> str:
    """Write negative figures with the minus sign that is as wide as a figure."""
    return text.replace("-", "\N{MINUS SIGN}")


def _whole(places: list[float], count: int) -> range:
    """Return the pixels whose centres may lie between places, cut to the slice."""
    return range(max(0, math.floor(min(places))), min(count, math.ceil(max(places)) + 1))

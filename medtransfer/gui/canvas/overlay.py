"""What was found, drawn over the picture: heat maps and label maps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from medtransfer.gui.canvas.colourmaps import ColourMap, table
from medtransfer.gui.canvas.pixels import from_argb
from medtransfer.result.model import Structure

_FADE = 0.1
_OUTLINE_WIDTH = 2.0  # screen pixels
_RIM_WIDTH = 1.2
FILLED = 0.35
"""Opacity of a structure's area: what lies under it, such as gas in the bowel, must still be seen."""
_LEAST_SCALE = 0.1
_MOST_REPEATS = 6


@dataclass(frozen=True)
class Legend:
    """What stands beside a heat map's colours: what it explains, its raw maximum, and how faithful it is."""

    title: str = ""
    maximum: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class HeatmapLayer:
    """A heat map over the image.

    Attributes
    ----------
    array
        Values in [0, 1], of the image's spatial shape.
    opacity
        0 to 1.
    cutoff
        Lower values are not drawn; just above it the map fades in.
    """

    array: NDArray[np.float32]
    opacity: float = 0.6
    colour_map: ColourMap = "inferno"
    cutoff: float = 0.2
    legend: Legend = field(default_factory=Legend)

    @cached_property
    def colours(self) -> NDArray[np.uint32]:
        """256 premultiplied colours for the values 0 to 1."""
        values = np.linspace(0.0, 1.0, 256)
        alpha = np.clip((values - self.cutoff) / _FADE, 0.0, 1.0) if self.cutoff > 0 else np.ones(256)
        return _premultiplied(table(self.colour_map), alpha * self.opacity)

    def picture(self, values: NDArray[np.generic]) -> QImage:
        """Return a slice of the map as a translucent picture."""
        places = (np.nan_to_num(values.astype(np.float32)).clip(0.0, 1.0) * np.float32(255)).astype(np.uint8)
        return from_argb(self.colours[places], QImage.Format.Format_ARGB32_Premultiplied)


@dataclass(frozen=True, eq=False)
class SegmentationLayer:
    """A label map over the image.

    Attributes
    ----------
    array
        uint8 or uint16 of the image's spatial shape; 0 is background.
    structures
        What the labels mean; labels without a structure are not drawn.
    visible
        Values of the structures to draw.
    opacity
        Of the areas, 0 to 1. Their rims are opaque: neighbours of like colours are told apart by them.
    outline
        Draw edges in place of areas.
    """

    array: NDArray[np.unsignedinteger]
    structures: tuple[Structure, ...]
    visible: frozenset[int]
    opacity: float = FILLED
    outline: bool = False

    @classmethod
    def of(
        cls,
        array: NDArray[np.unsignedinteger],
        structures: Collection[Structure],
        visible: Collection[int] | None = None,
        opacity: float = FILLED,
        *,
        outline: bool = False,
    ) -> SegmentationLayer:
        """Return a layer; all structures are visible unless told."""
        shown = {structure.value for structure in structures} if visible is None else visible
        return cls(array, tuple(structures), frozenset(shown), opacity, outline)

    @cached_property
    def names(self) -> dict[int, str]:
        """The structures' names by their value."""
        return {structure.value: structure.name for structure in self.structures}

    @cached_property
    def drawn(self) -> NDArray[np.unsignedinteger]:
        """Every value that the label map's type can hold, 0 in the place of those that are not drawn."""
        values = np.arange(self._values)
        shown = np.isin(values, [s.value for s in self.structures if s.value in self.visible])
        return np.where(shown, values, 0).astype(self.array.dtype)

    @cached_property
    def colours(self) -> NDArray[np.uint32]:
        """Premultiplied colours: of the area of each of these values, then of its edge."""
        rgb = np.zeros((self._values, 3), dtype=np.uint8)
        alpha = np.zeros(self._values)
        for structure in self.structures:
            if structure.value < self._values and self.drawn[structure.value]:
                colour = QColor(structure.colour)
                rgb[structure.value] = colour.red(), colour.green(), colour.blue()
                alpha[structure.value] = 1.0
        areas = alpha * (0.0 if self.outline else self.opacity)
        return np.concatenate([_premultiplied(rgb, areas), _premultiplied(rgb, alpha)])

    @property
    def _values(self) -> int:
        return int(256**self.array.dtype.itemsize)

    def detail(self, scale: float) -> tuple[int, int]:
        """Return how often to repeat each pixel, and how many of them wide edges are, to be seen at ``scale``.

        ``scale`` is how many screen pixels one of the slice's pixels spans; outlines become about two screen pixels
        wide, the rims of areas about one.
        """
        repeats = int(np.clip(round(scale), 1, _MOST_REPEATS))
        wanted = _OUTLINE_WIDTH if self.outline else _RIM_WIDTH
        return repeats, max(1, round(wanted * repeats / max(scale, _LEAST_SCALE)))

    def picture(self, labels: NDArray[np.generic], detail: tuple[int, int]) -> QImage:
        """Return a slice of the label map as a translucent picture, with edges as :meth:`detail` says."""
        repeats, width = detail
        shown = self.drawn[np.asarray(labels, dtype=self.array.dtype)]
        if repeats > 1:
            shown = shown.repeat(repeats, axis=1).repeat(repeats, axis=0)
        wide: type[np.uint16 | np.uint32] = np.uint16 if shown.dtype == np.uint8 else np.uint32
        places: NDArray[np.unsignedinteger] = shown.astype(wide)
        places[_edges(shown, width)] += self._values
        return from_argb(np.take(self.colours, places), QImage.Format.Format_ARGB32_Premultiplied)


def _edges(labels: NDArray[np.unsignedinteger], width: int) -> NDArray[np.bool_]:
    """Return which pixels lie within ``width`` pixels of another label, along rows and columns."""
    edge = np.zeros(labels.shape, dtype=bool)
    for distance in range(1, width + 1):
        differs = labels[distance:] != labels[:-distance]
        edge[distance:] |= differs
        edge[:-distance] |= differs
        differs = labels[:, distance:] != labels[:, :-distance]
        edge[:, distance:] |= differs
        edge[:, :-distance] |= differs
    return edge


def _premultiplied(rgb: NDArray[np.uint8], alpha: NDArray[np.float64]) -> NDArray[np.uint32]:
    share = np.clip(alpha, 0.0, 1.0)
    red, green, blue = (np.rint(rgb[:, channel] * share).astype(np.uint32) for channel in range(3))
    return (np.rint(share * 255).astype(np.uint32) << 24 | red << 16 | green << 8 | blue).astype(np.uint32)

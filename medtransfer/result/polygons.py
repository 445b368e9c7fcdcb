"""Filling polygons: which pixel centres lie inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DIGITS = 6
_AT_ONCE = 4_000_000  # crossings: memory stays bounded whatever a file draws


def fill(polygons: Sequence[NDArray[np.floating]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Fill closed polygons by the even-odd rule: a polygon inside another is a hole in it.

    A centre on an edge belongs to the polygon that lies towards larger indices, so that polygons which share an edge
    share no pixel. Vertices are rounded to a millionth of a pixel, so that one on a centre stays there whatever
    arithmetic brought it there.

    Parameters
    ----------
    polygons
        Each ``(n, 2)``: row and column of its vertices, pixel centres at whole numbers.
    shape
        Rows and columns to fill; polygons may reach beyond.
    """
    edges = [_edges(np.round(polygon, _DIGITS)) for polygon in polygons if len(polygon) > 2]
    turns = np.zeros((shape[0], shape[1] + 1), np.uint8)
    if edges and min(shape) > 0:
        every = np.concatenate(edges)
        portion = max(1, _AT_ONCE // shape[0])
        for first in range(0, len(every), portion):
            rows, columns = _crossings(every[first : first + portion], shape)
            counted = np.bincount(rows * turns.shape[1] + columns, minlength=turns.size)
            turns ^= (counted & 1).astype(np.uint8).reshape(turns.shape)
    return np.bitwise_xor.accumulate(turns, axis=1)[:, :-1].astype(np.bool_)


def _edges(polygon: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the edges that cross rows, ``(n, 2, 2)``, each with the smaller row first."""
    edges = np.stack([polygon, np.roll(polygon, -1, axis=0)], axis=1)
    edges = edges[edges[:, 0, 0] != edges[:, 1, 0]]
    downwards = edges[:, 0, 0] < edges[:, 1, 0]
    ordered: NDArray[np.floating] = np.where(downwards[:, np.newaxis, np.newaxis], edges, edges[:, ::-1])
    return ordered


def _crossings(edges: NDArray[np.floating], shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and first column at or beyond each place where an edge crosses a row of centres."""
    first = np.clip(np.ceil(edges[:, 0, 0]), 0, shape[0]).astype(np.int64)
    count = np.clip(np.ceil(edges[:, 1, 0]), 0, shape[0]).astype(np.int64) - first
    number = np.repeat(np.arange(len(edges)), count)
    rows = np.arange(number.size) - np.repeat(np.cumsum(count) - count, count) + first[number]
    (from_row, from_column), (to_row, to_column) = edges[number].transpose(1, 2, 0)
    crossed = from_column + (rows - from_row) * ((to_column - from_column) / (to_row - from_row))
    return rows, np.clip(np.ceil(np.round(crossed, _DIGITS)), 0, shape[1]).astype(np.int64)

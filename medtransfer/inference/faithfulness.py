"""Whether a heat map points at what the network used: deletion and insertion.

Petsiuk et al., "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018
(https://arxiv.org/abs/1806.07421): take away the parts of the image in the map's order (deletion) or bring them back
into a blurred image (insertion), and measure the area under the curve of the probability. Here the parts are blocks, as
coarse as the maps themselves, and what is taken away is blurred in both directions, so that both curves join the same
two pictures and no artificial colour enters.

For a random order the expected score is exactly 0 (the insertion curve of an order is the deletion curve of the
reversed order, read backwards); the mean over a few random orders says how far chance alone strays from that.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.result.model import Faithfulness

BLOCKS = 14
"""Blocks along each side: the grid of a 224-pixel vision transformer; convolutional maps are coarser."""
COARSEST_MAP = 7
"""Cells along each side of the map of a network that reduces 224 pixels by 32."""
STEPS = 7
"""Steps of each curve: a seventh of the blocks at a time."""
RANDOM_ORDERS = 3


def measure(
    predict: Callable[[Tensor], Tensor], image: Tensor, maps: NDArray[np.float32], *, seed: int = 0
) -> tuple[Faithfulness, ...]:
    """Measure K maps of one image.

    Costs ``2 + (K + 3) * 12`` images through the network, in batches of 12; the random orders serve all maps.

    Parameters
    ----------
    predict
        Maps a batch (n, C, *spatial) to probabilities in [0, 1], (n, K); column k belongs to ``maps[k]``.
    image
        float32, (C, H, W) or (C, D, H, W), prepared as the network expects.
    maps
        float32, (K, *spatial), on the same grid.
    seed
        Seeds the random orders, and the order of blocks with equal values.

    Returns
    -------
    tuple[Faithfulness, ...]
        One for each map, in their order.
    """
    blurred = _blur(image)
    grid = tuple(min(BLOCKS, side) for side in image.shape[1:])
    generator = np.random.default_rng(seed)
    with torch.no_grad():
        ends = _probabilities(predict, torch.stack([image, blurred]))
        random = [
            _areas(predict, image, blurred, generator.permutation(math.prod(grid)).reshape(grid), ends)
            for _ in range(RANDOM_ORDERS)
        ]
        chance = np.mean([insertion - deletion for deletion, insertion in random], axis=0)
        found = []
        for index, one in enumerate(maps):
            ranks = _ranks(one, grid, generator)
            deletion, insertion = (float(area[index]) for area in _areas(predict, image, blurred, ranks, ends))
            found.append(
                Faithfulness(
                    score=insertion - deletion,
                    random_score=float(chance[index]),
                    deletion_auc=deletion,
                    insertion_auc=insertion,
                    steps=STEPS,
                )
            )
    return tuple(found)


def _areas(
    predict: Callable[[Tensor], Tensor],
    image: Tensor,
    blurred: Tensor,
    ranks: NDArray[np.int64],
    ends: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the areas under the deletion and the insertion curve, (K,) each, for blocks taken in ``ranks``' order."""
    cuts = np.linspace(0, ranks.size, STEPS + 1).round()
    rank = torch.from_numpy(ranks.astype(np.float32)).to(image.device)[None, None]
    rank = nn.functional.interpolate(rank, size=image.shape[1:], mode="nearest")[0]
    first = [rank < cut for cut in cuts[1:-1].tolist()]
    deleted = [torch.where(chosen, blurred, image) for chosen in first]
    inserted = [torch.where(chosen, image, blurred) for chosen in first]
    between = _probabilities(predict, torch.stack(deleted + inserted))
    whole, empty = ends[:1], ends[1:]
    share = cuts / ranks.size
    deletion = np.trapezoid(np.concatenate([whole, between[: len(first)], empty]), share, axis=0)
    insertion = np.trapezoid(np.concatenate([empty, between[len(first) :], whole]), share, axis=0)
    return np.asarray(deletion), np.asarray(insertion)


def _probabilities(predict: Callable[[Tensor], Tensor], batch: Tensor) -> NDArray[np.float64]:
    return np.asarray(predict(batch).cpu(), dtype=np.float64)


def _ranks(heat_map: NDArray[np.float32], grid: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.int64]:
    """Rank the blocks from the hottest (0) on; blocks of equal heat in random order, not from the top left."""
    pool = nn.AdaptiveAvgPool2d(grid) if len(grid) == 2 else nn.AdaptiveAvgPool3d(grid)
    heat = pool(torch.from_numpy(np.ascontiguousarray(heat_map))[None])
    order = np.lexsort((generator.random(heat.numel()), -heat.numpy().ravel()))
    ranks = np.empty(order.size, dtype=np.int64)
    ranks[order] = np.arange(order.size)
    return ranks.reshape(grid)


def _blur(image: Tensor) -> Tensor:
    """Blur (C, *spatial) by a Gaussian as wide as a cell of the coarsest usual map, so that what a cell shows is gone.

    One axis after the other: a Gaussian is the product of those along the axes.
    """
    sigma = min(image.shape[1:]) / COARSEST_MAP
    radius = max(1, round(2 * sigma))
    offset = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-0.5 * (offset / sigma) ** 2)
    kernel = (kernel / kernel.sum())[None, None]
    blurred = image
    for axis in range(1, image.ndim):
        lines = blurred.movedim(axis, -1)
        padded = nn.functional.pad(lines.reshape(-1, 1, lines.shape[-1]), (radius, radius), mode="replicate")
        blurred = nn.functional.conv1d(padded, kernel).reshape(lines.shape).movedim(-1, axis)
    return blurred

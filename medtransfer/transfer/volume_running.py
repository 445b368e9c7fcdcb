"""A model's network run over a prepared volume: compiled once, kept for the next one, and frugal where memory is short.

Less memory is taken step by step: the volume in parts, which changes no label (:mod:`medtransfer.inference.sliding`);
then, where a graphics card is full, the processor; then tiles smaller than the network was trained on, which show it
less of what surrounds a structure. Whatever was done is said in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from medtransfer import memory
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.verbs import Context
from medtransfer.errors import EnvironmentFailure, PluginError
from medtransfer.inference.machine import RuntimeChoice, best_runtime, describe
from medtransfer.inference.sliding import OnTile, Segmenter
from medtransfer.result.model import Notice
from medtransfer.transfer.volume_frame import Triple
from medtransfer.transfer.volume_planning import Strides, smaller


@dataclass(frozen=True, eq=False)
class Asked:
    """A volume to segment by a model.

    Attributes
    ----------
    load
        Returns the model's network with its weights; called where it is not warm.
    values
        float32 ``(C, z, y, x)``, prepared.
    mirror
        Axes along which tiles are also run mirrored.
    body
        bool ``(z, y, x)``: where there is anything but air; None to look everywhere.
    on_tile
        Told after each tile how many of how many are done; it may raise to stop.
    """

    model: ModelBundle
    load: Callable[[], nn.Module]
    values: NDArray[np.float32]
    mirror: Sequence[int]
    body: NDArray[np.bool_] | None
    on_tile: OnTile


@dataclass(frozen=True, eq=False)
class Found:
    """Labels on the network's grid; what ran the network, in words; and what was done for want of memory."""

    labels: NDArray[np.unsignedinteger]
    runtime: str
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class _Way:
    """Where and how a network is run, and in which tiles."""

    choice: RuntimeChoice
    tile: Triple


class WarmNetwork:
    """Runs the networks of models; the last one stays compiled, unless memory was too short for it."""

    def __init__(self) -> None:
        self._warm: tuple[str, _Way, Segmenter] | None = None

    def run(self, asked: Asked, ctx: Context) -> Found:
        """Segment a volume.

        Raises
        ------
        EnvironmentFailure
            ``segment.memory`` when memory does not suffice in any way.
        """
        plan = asked.model.card.for_volumes
        usual = _Way(_choice(ctx), plan.patch)
        short: Exception | None = None
        for way in _ways(usual, plan.pools):
            if short is not None:
                ctx.log("warning", f"memory is short: trying {_described(way)}")
            answer = self._if_memory_suffices(asked, way, ctx)
            if isinstance(answer, Found):
                return answer if way == usual else _told(answer, way, usual)
            short = answer
        raise too_large() from short

    def _if_memory_suffices(self, asked: Asked, way: _Way, ctx: Context) -> Found | Exception:
        """Return what was found, or the error: without its traceback, which would hold on to what is to be freed."""
        noticed: list[Notice] = []

        def on_parts(parts: int) -> None:
            message = f"Segmented in {parts} parts, one after the other: memory was short. The answer is the same."
            ctx.log("warning", f"memory is short: segmenting in {parts} parts, one after the other")
            noticed[:] = [Notice(code="segment.parts", level="info", message=message)]

        try:
            segmenter = self._segmenter(asked, way, ctx)
            labels = segmenter.labels(
                asked.values, mirror=asked.mirror, body=asked.body, on_tile=asked.on_tile, on_parts=on_parts
            )
        except Exception as error:
            if not memory.exhausted(error):
                raise
            return error.with_traceback(None)
        choice = segmenter.choice
        return Found(labels, f"{choice.runtime} in {choice.precision}", tuple(noticed))

    def _segmenter(self, asked: Asked, way: _Way, ctx: Context) -> Segmenter:
        """Return the model's network compiled, the one of the last volume when model and way are the same."""
        if self._warm is None or self._warm[:2] != (asked.model.sha256, way):
            self._warm = None
            memory.release()
            asked.model.verify()
            torch.set_num_threads(ctx.threads)
            segmenter = _compiled(asked.load(), len(asked.values), way, ctx)
            self._warm = (asked.model.sha256, way, segmenter)
        return self._warm[2]


def too_large() -> EnvironmentFailure:
    """Return the error for a volume that memory does not hold, whatever is done."""
    return EnvironmentFailure(
        "the memory does not suffice for this volume",
        code="segment.memory",
        hint="Close other programs, ask for the fast quality (`--quality fast`), or use a machine with more memory."
        " Earlier results are kept.",
    )


def _choice(ctx: Context) -> RuntimeChoice:
    """Return the job's device and runtime, in the precision that is best for them."""
    best = best_runtime(describe())
    precision = best.precision if (best.device, best.runtime) == (ctx.device, ctx.runtime) else "fp32"
    return RuntimeChoice(device=ctx.device, runtime=ctx.runtime, precision=precision)


def _ways(usual: _Way, pools: Strides) -> Iterator[_Way]:
    """Yield the usual way, and then ways that need less memory each: the processor's, and smaller and smaller tiles."""
    yield usual
    way = usual
    if usual.choice.device == "cuda":
        way = _Way(best_runtime(describe().model_copy(update={"cuda": ()})), usual.tile)
        yield way
    while (tile := smaller(way.tile, pools)) is not None:
        way = _Way(way.choice, tile)
        yield way


def _compiled(network: nn.Module, channels: int, way: _Way, ctx: Context) -> Segmenter:
    """Compile for this machine, by torch where OpenVINO cannot convert the network."""
    try:
        return Segmenter(network, channels, way.tile, way.choice)
    except PluginError:
        if way.choice.runtime == "torch":
            raise
        ctx.log("warning", "OpenVINO cannot run this network: torch does")
        by_torch = RuntimeChoice(device=way.choice.device, runtime="torch", precision="fp32")
        return Segmenter(network, channels, way.tile, by_torch)


def _told(found: Found, way: _Way, usual: _Way) -> Found:
    """Return what was found with what its reader must know of how it was."""
    notices = list(found.notices)
    if way.choice.device != usual.choice.device:
        message = "Segmented on the processor: the graphics card's memory did not suffice."
        notices.append(Notice(code="segment.on-processor", level="info", message=message))
    if way.tile != usual.tile:
        message = (
            f"Segmented in tiles of {_sides(way.tile)} voxels in place of {_sides(usual.tile)}, on which the network "
            "was trained: memory was short. Structures may be missed or confused."
        )
        fix = "Close other programs and analyse it again, or use a machine with more memory."
        notices.append(Notice(code="segment.small-tiles", level="warning", message=message, fix=fix))
    return Found(found.labels, f"{found.runtime} {_described(way)}", tuple(notices))


def _described(way: _Way) -> str:
    device = "processor" if way.choice.device == "cpu" else "graphics card"
    return f"on the {device} in tiles of {_sides(way.tile)} voxels"


def _sides(tile: Triple) -> str:
    return " x ".join(map(str, tile))

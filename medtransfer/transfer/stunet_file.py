"""Recognise a file of STU-Net weights by the names and shapes of its tensors, and tell it from what was expected.

STU-Net: Huang et al. 2023 (arXiv 2304.06716). The network itself belongs to the plug-in; here is only what its files
look like, so that a wrong file is refused when it is imported and not when it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from medtransfer.contract.weights import VolumeArchitecture, VolumeEntry, WeightFit
from medtransfer.errors import DataError
from medtransfer.transfer import fit_report

_STAGES = 6
_WIDTHS = (1, 2, 4, 8, 16, 16)
_FIRST = "conv_blocks_context.0.0.conv1.weight"
_FINEST_HEAD = f"seg_outputs.{_STAGES - 2}.weight"
_BLOCK = re.compile(r"conv_blocks_context\.0\.(\d{1,2})\.conv1\.weight")
_CUBE, _POINT = (3, 3, 3), (1, 1, 1)

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """What decides the shapes of all tensors: first width, residual blocks per stage, input channels, outputs."""

    width: int
    blocks: int
    channels: int
    outputs: int

    def shapes(self) -> dict[str, Shape]:
        """Return the name and the shape of every tensor."""
        widths = [self.width * factor for factor in _WIDTHS]
        shapes: dict[str, Shape] = {}
        for stage, (before, after) in enumerate(zip([self.channels, *widths[:-1]], widths, strict=True)):
            shapes |= self._stage(f"conv_blocks_context.{stage}", before, after)
        for step, level in enumerate(reversed(range(_STAGES - 1))):
            shapes |= _layer(f"upsample_layers.{step}.conv", widths[level], widths[level + 1], _POINT)
            shapes |= self._stage(f"conv_blocks_localization.{step}", 2 * widths[level], widths[level])
            shapes |= _layer(f"seg_outputs.{step}", self.outputs, widths[level], _POINT)
        return shapes

    def _stage(self, name: str, before: int, after: int) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        for block in range(self.blocks):
            first = f"{name}.{block}"
            shapes |= _layer(f"{first}.conv1", after, before if block == 0 else after, _CUBE)
            shapes |= _layer(f"{first}.conv2", after, after, _CUBE)
            shapes |= {f"{first}.norm{i}.{kind}": (after,) for i in (1, 2) for kind in ("weight", "bias")}
        return shapes | _layer(f"{name}.0.conv3", after, before, _POINT)


_SIZES: Mapping[VolumeArchitecture, tuple[int, int]] = {
    "stunet-s": (16, 1),
    "stunet-b": (32, 1),
    "stunet-l": (64, 2),
    "stunet-h": (96, 3),
}


def expected(entry: VolumeEntry) -> Layout:
    """Return the layout of the file that the catalogue describes."""
    width, blocks = _SIZES[entry.architecture]
    return Layout(width, blocks, entry.channels, entry.outputs)


def recognised(tensors: Mapping[str, Tensor]) -> Layout | None:
    """Return the layout that a file's tensors show; None when they are not a STU-Net's."""
    first, head = tensors.get(_FIRST), tensors.get(_FINEST_HEAD)
    if first is None or head is None or (first.ndim, head.ndim) != (5, 5):
        return None
    blocks = len({match[1] for match in map(_BLOCK.fullmatch, tensors) if match})
    return Layout(width=first.shape[0], blocks=blocks, channels=first.shape[1], outputs=head.shape[0])


def checked_fit(tensors: Mapping[str, Tensor], entry: VolumeEntry) -> WeightFit:
    """Return how a file's tensors fit the entry of the catalogue that they should be.

    Raises
    ------
    DataError
        ``weights.other-architecture`` when they are no STU-Net's or too few fit, ``weights.other-size`` when they are
        another size's, ``weights.other-channels`` or ``weights.other-classes`` when inputs or outputs differ.
    """
    wanted, found = expected(entry), recognised(tensors)
    if found is None:
        raise DataError(
            "these are not the weights of a STU-Net: its first convolution and its last layer are not among them",
            code="weights.other-architecture",
            hint=_hint(entry),
        )
    _compare(found, wanted, entry)
    own = {name: torch.empty(shape, device="meta") for name, shape in wanted.shapes().items()}
    fit = fit_report.compare(own, tensors, allow_new=())
    fit_report.require(fit, entry.expected_share)
    return fit


def _compare(found: Layout, wanted: Layout, entry: VolumeEntry) -> None:
    for code, what in _differences(found, wanted):
        raise DataError(
            f"the file holds {what}, {entry.name} is {entry.architecture} with {wanted.channels} input and "
            f"{wanted.outputs} outputs",
            code=code,
            hint=_hint(entry),
        )


def _differences(found: Layout, wanted: Layout) -> Iterator[tuple[str, str]]:
    if (found.width, found.blocks) != (wanted.width, wanted.blocks):
        yield "weights.other-size", _size_in_words(found)
    if found != replace(wanted, outputs=found.outputs):
        yield "weights.other-channels", f"a network with {found.channels} input channels"
    if found != wanted:
        yield "weights.other-classes", f"a network with {found.outputs} outputs"


def _size_in_words(found: Layout) -> str:
    names = [name for name, size in _SIZES.items() if size == (found.width, found.blocks)]
    return names[0] if names else f"a STU-Net of width {found.width} and depth {found.blocks}"


def _hint(entry: VolumeEntry) -> str:
    return f"Choose {entry.file} from {entry.source}, or say with --name which entry of the catalogue the file is."


def _layer(name: str, after: int, before: int, kernel: tuple[int, int, int]) -> dict[str, Shape]:
    return {f"{name}.weight": (after, before, *kernel), f"{name}.bias": (after,)}

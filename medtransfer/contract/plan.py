"""How a volume is prepared for a network, and in which patches the network sees it: nnU-Net's plan, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medtransfer.result.model import Record

_Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
_Voxels = Annotated[int, Field(ge=1, le=4096)]
_Stride = Annotated[int, Field(ge=1, le=8)]
FAST = 3.0
"""Distance between voxels, mm, on which a volume is segmented fast: an eighth of the voxels of a grid of 1.5 mm."""


class Intensities(Record):
    """Values inside the structures of the training cases, in the unit of the images (HU for CT).

    ``low`` and ``high`` are their 0.5th and 99.5th percentile.
    """

    mean: float
    std: _Positive
    low: float
    high: float


class VolumePlan(Record):
    """A plan (Isensee et al. 2021, nnU-Net). All triples run along the array's axes ``(z, y, x)``.

    Attributes
    ----------
    spacing
        Distance between voxels that the network expects, mm.
    patch
        Sides of the patch that the network was trained on, voxels.
    pools
        Strides of the poolings, finest first.
    normalisation
        ``z-score``: mean and standard deviation of the volume itself. ``ct``: clipped to ``intensities.low`` and
        ``high``, then shifted and scaled by its mean and standard deviation.
    intensities
        What ``ct`` needs; None for ``z-score``.
    mirrored
        Axes along which training mirrored its patches: only along these is an answer on a mirrored tile worth anything.
    further
        For a network with several input channels, how each but the first is normalised: clipped and scaled by these
        intensities, or where there is None by a z-score of its own. The first is as ``normalisation`` says.
    """

    spacing: tuple[_Positive, _Positive, _Positive]
    patch: tuple[_Voxels, _Voxels, _Voxels]
    pools: tuple[tuple[_Stride, _Stride, _Stride], ...]
    normalisation: Literal["z-score", "ct"] = "z-score"
    intensities: Intensities | None = None
    mirrored: tuple[Literal[0, 1, 2], ...] = ()
    further: tuple[Intensities | None, ...] = ()

    @property
    def scales(self) -> tuple[Intensities | None, ...]:
        """What each channel is clipped and scaled by; None for a z-score of its own."""
        return (self.intensities, *self.further)

    @property
    def fast_spacing(self) -> tuple[float, float, float]:
        """Distance between voxels, mm, of the fast quality: no axis is finer than :data:`FAST`."""
        z, y, x = self.spacing
        return max(z, FAST), max(y, FAST), max(x, FAST)

    @model_validator(mode="after")
    def _consistent(self) -> VolumePlan:
        if (self.normalisation == "ct") != (self.intensities is not None):
            raise ValueError("the normalisation 'ct' needs intensities, and no other takes them")
        return self

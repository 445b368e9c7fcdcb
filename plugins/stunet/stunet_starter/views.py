"""Training views of one labelled CT: warped strongly, with other contrasts, and partly synthesised from its label map.

One patient shows each structure once. What a network must not learn from that is the one shape (hence the warps), the
one contrast (hence the shifts of each structure's values) and the one texture (hence the synthetic views, after
Billot et al., SynthSeg, Medical Image Analysis 2023). Nothing is mirrored: left and right are different classes.

The patient was scanned without contrast agent. A network that never saw a bright aorta takes one for bone, so a course
of the training gives the agent to a share of the views, and makes part of what surrounds the structures as bright as
a heart or as dark as a lung.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

Triple = tuple[int, int, int]

ROTATION = 0.3  # radians, about each axis
SCALE = 0.25  # natural logarithm of the largest enlargement of the whole, and half of it for each axis
WAVES = (3, 7)  # control points of the elastic warp along each axis: of whole organs, of their outlines
AMPLITUDES = (10.0, 4.0)  # voxels
CONTRAST = 0.35  # standard deviation of a structure's shift, in those of the volume's values
SYNTHETIC_SHARE = 0.25
SURROUNDED = 0.8
"""How far a smooth random field must go, in about its standard deviations, for the surroundings to change."""
RARE_SHARE = 0.6
"""Share of the views that are centred on a voxel of a structure drawn at random, however small it is."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """A prepared volume with its classes.

    Attributes
    ----------
    values
        float32 (z, y, x).
    classes
        int64 (z, y, x), 0 is background.
    places
        The voxels (n, 3) of each class that is there.
    means
        Mean value of each class, by its number; 0 for the background and for those that are not there.
    uptake
        Largest rise of each class by contrast agent, by its number, in the units of the values; 0 of the background
        is the rise of what is not labelled.
    """

    values: Tensor
    classes: Tensor
    places: Sequence[Tensor]
    means: Tensor
    uptake: Tensor

    @classmethod
    def of(cls, values: Tensor, classes: Tensor, uptake: Mapping[int, float] | None = None) -> Labelled:
        """Return the volume with its classes looked up; a class that ``uptake`` does not name takes up nothing."""
        present = torch.bincount(classes.flatten())[1:].nonzero()[:, 0].add(1).tolist()
        means = torch.zeros(int(classes.max()) + 1)
        for one in present:
            means[one] = values[classes == one].mean()
        rises = torch.zeros(len(means))
        for one, rise in (uptake or {}).items():
            rises[one] = rise
        return cls(values, classes, [(classes == one).nonzero() for one in present], means, rises)


def view(source: Labelled, patch: Triple, agent_share: float, draw: Generator) -> tuple[Tensor, Tensor]:
    """Return one view: values float32 (1, z, y, x) and classes int64 (z, y, x).

    ``agent_share`` is the probability that the view shows a patient with contrast agent.

    Where it reaches beyond the volume, values are 0 (what surrounds a volume when it is segmented) and the class is 0.
    """
    where = _grid(source, patch, draw)
    labels = functional.grid_sample(
        source.classes[None, None].float(), where, mode="nearest", padding_mode="zeros", align_corners=True
    )
    classes = labels[0, 0].long()
    if _uniform(draw) < SYNTHETIC_SHARE:
        values = _synthesised(source, classes, draw)
    else:
        taken = functional.grid_sample(source.values[None, None], where, padding_mode="zeros", align_corners=True)
        values = _recontrasted(taken[0, 0], classes, draw)
    if agent_share and _uniform(draw) < agent_share:
        values = _with_agent(source, values, classes, draw)
    inside = (where[0].abs() <= 1).all(dim=-1)
    return _scanned(values, draw).where(inside, torch.zeros(()))[None], classes


def _grid(source: Labelled, patch: Triple, draw: Generator) -> Tensor:
    """Return where the patch's voxels lie in the volume, as ``grid_sample`` wants it: (1, z, y, x, 3), x first."""
    shape = torch.tensor(source.values.shape, dtype=torch.float32)
    steps = [torch.arange(side, dtype=torch.float32) - (side - 1) / 2 for side in patch]
    offsets = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1)
    places = offsets @ _rotation(draw).T * torch.exp(_spread(SCALE, 1, draw) + _spread(SCALE / 2, 3, draw))
    for points, amplitude in zip(WAVES, AMPLITUDES, strict=True):
        size = amplitude * _uniform(draw)
        knots = torch.randn(1, 3, points, points, points, generator=draw) * size / 2
        places += functional.interpolate(knots, patch, mode="trilinear", align_corners=True)[0].permute(1, 2, 3, 0)
    places += _centre(source, patch, draw)
    return (2 * places / (shape - 1) - 1).flip(-1)[None]


def _centre(source: Labelled, patch: Triple, draw: Generator) -> Tensor:
    if _uniform(draw) < RARE_SHARE:
        voxels = source.places[_below(len(source.places), draw)]
        jitter = _spread(0.25, 3, draw) * torch.tensor(patch, dtype=torch.float32)
        return voxels[_below(len(voxels), draw)] + jitter
    return torch.rand(3, generator=draw) * torch.tensor(source.values.shape)


def _rotation(draw: Generator) -> Tensor:
    turn = torch.eye(3)
    for axis in range(3):
        angle = _spread(ROTATION, 1, draw)[0]
        first, second = [other for other in range(3) if other != axis]
        about = torch.eye(3)
        about[first, first] = about[second, second] = torch.cos(angle)
        about[first, second], about[second, first] = -torch.sin(angle), torch.sin(angle)
        turn = turn @ about
    return turn


def _recontrasted(values: Tensor, classes: Tensor, draw: Generator) -> Tensor:
    """Shift the values of each structure, as contrast media, phases and patients do; its texture stays."""
    shifts = CONTRAST * _uniform(draw) * torch.randn(int(classes.max()) + 1, generator=draw)
    shifts[0] /= 3
    return values + _softened(shifts[classes])


def _synthesised(source: Labelled, classes: Tensor, draw: Generator) -> Tensor:
    """Return values made from the classes alone: around each structure's own mean, the rest in smooth patches."""
    means = source.means + CONTRAST * torch.randn(len(source.means), generator=draw)
    soft, air = float(means[means != 0].median()), float(source.values.min())
    rest = _field(9, classes.shape, draw)
    background = torch.where(rest < -0.7, air, soft + 0.4 * rest)
    made = means[classes].where(classes > 0, background)
    return _softened(made) + 0.15 * torch.randn(made.shape, generator=draw)


def _with_agent(source: Labelled, values: Tensor, classes: Tensor, draw: Generator) -> Tensor:
    """Raise each structure by its own part of what contrast agent can add, and change the surroundings in patches."""
    rises = source.uptake * torch.rand(len(source.uptake), generator=draw)
    lung = float(source.values.min()) * (0.8 + 0.2 * _uniform(draw))
    field = _field(7, classes.shape, draw)
    around = torch.where(field > SURROUNDED, values + rises[0], values)
    around = torch.where(field < -SURROUNDED, lung + 0.1 * values, around)
    return torch.where(classes > 0, values + _softened(rises[classes]), around)


def _field(points: int, shape: Sequence[int], draw: Generator) -> Tensor:
    """Return a smooth random field (z, y, x) through that many control points along each axis."""
    knots = torch.randn(1, 1, points, points, points, generator=draw)
    return functional.interpolate(knots, list(shape), mode="trilinear", align_corners=True)[0, 0]


def _scanned(values: Tensor, draw: Generator) -> Tensor:
    """Return the values as another scanner, dose and kernel would show them."""
    if _uniform(draw) < 0.2:
        low = functional.interpolate(values[None, None], scale_factor=0.5 + 0.4 * _uniform(draw), mode="trilinear")
        values = functional.interpolate(low, values.shape, mode="trilinear")[0, 0]
    if _uniform(draw) < 0.2:
        values = _softened(values)
    if _uniform(draw) < 0.5:
        values = values + 0.25 * _uniform(draw) * torch.randn(values.shape, generator=draw)
    gain, shift = torch.exp(_spread(0.2, 1, draw)), _spread(0.2, 1, draw)
    return values * gain + shift


def _softened(values: Tensor) -> Tensor:
    return functional.avg_pool3d(values[None, None], 3, stride=1, padding=1, count_include_pad=False)[0, 0]


def _spread(limit: float, count: int, draw: Generator) -> Tensor:
    return limit * (2 * torch.rand(count, generator=draw) - 1)


def _uniform(draw: Generator) -> float:
    return float(torch.rand((), generator=draw))


def _below(limit: int, draw: Generator) -> int:
    return int(torch.randint(limit, (), generator=draw))

"""The volumes that a training reads: opened and prepared once, kept in the cache, read back as far as a patch needs.

Everything here can be computed again. Files are named by the case's key and its mask's content, and written under
another name first: a killed run leaves only complete files, and the next one goes on with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer.cohort import identity, masks
from medtransfer.cohort.model import Case, MaskStructure
from medtransfer.contract.plan import VolumePlan
from medtransfer.errors import PluginError
from medtransfer.study.modality import LOOKS_LIKE_CT
from medtransfer.study.model import Image
from medtransfer.transfer.prepared import Tell, cache_folder, save_array
from medtransfer.transfer.volume_frame import content, frame
from medtransfer.transfer.volume_planning import SAMPLES, CaseFacts
from medtransfer.transfer.volumes import prepare

_PLACES = 5_000
"""Voxels of each structure that are remembered to put patches around."""
_ANY = VolumePlan(spacing=(1.0, 1.0, 1.0), patch=(1, 1, 1), pools=())
"""A plan of which nothing but the orientation is used."""


@dataclass(frozen=True, eq=False)
class LearntVolume:
    """A prepared case, its arrays read from the disk where they are used.

    Attributes
    ----------
    values
        float32 ``(C, z, y, x)``, as the network takes it.
    classes
        uint16 ``(z, y, x)``: the network's output for each voxel.
    places
        int32 ``(n, 4)``: for some voxels of each structure, its output and ``(z, y, x)``.
    """

    values: NDArray[np.float32]
    classes: NDArray[np.uint16]
    places: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LearntCase:
    """A case as it came: its image, and the network's output for each voxel, on the image's own grid."""

    image: Image
    classes: NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Taught:
    """What masks teach: the structures that they may show, and the network's output for each of their numbers.

    Numbers without an output are background.
    """

    structures: Sequence[MaskStructure]
    outputs: Mapping[int, int]


def open_case(case: Case, taught: Taught) -> LearntCase:
    """Open a case and its mask.

    Parameters
    ----------
    case
        A case with a mask.
    taught
        What the masks of its cohort mean.

    Raises
    ------
    DataError
        As :func:`medtransfer.cohort.masks.read`.
    """
    if case.mask is None:
        raise PluginError("a case has no mask", code="learn.no-mask", hint="Report this: it should have been refused.")
    image = masks.image_of(case)
    mask = masks.read(case.mask, image, taught.structures).values
    table = np.zeros(1 + max(int(mask.max()), *taught.outputs), dtype=np.uint16)
    for number, output in taught.outputs.items():
        table[number] = output
    return LearntCase(image, table[mask])


def facts(case: LearntCase, seed: int) -> CaseFacts:
    """Return what a plan needs to know of a case; the values are drawn with the seed."""
    if case.image.affine is None:
        raise PluginError("a case is no volume", code="learn.picture", hint="Report this: it should have been refused.")
    volumes = (case.image, *case.image.companions)
    grid = frame(content([one.array for one in volumes]), case.image.affine, _ANY)
    z, y, x = (stop - start for start, stop in zip(grid.start, grid.stop, strict=True))
    distances = np.linalg.norm(case.image.affine[:3, :3], axis=0)[list(grid.order)]
    first, *further = (_inside(one, case.classes, seed) for one in volumes)
    return CaseFacts((z, y, x), (float(distances[0]), float(distances[1]), float(distances[2])), first, tuple(further))


def _inside(image: Image, classes: NDArray[np.uint16], seed: int) -> NDArray[np.float64]:
    inside = image.array[classes > 0].astype(np.float64)
    inside = inside[np.isfinite(inside)]
    return np.random.default_rng(seed).choice(inside, SAMPLES, replace=False) if inside.size > SAMPLES else inside


def looks_like_ct(image: Image) -> bool:
    """Say whether values are Hounsfield units: as the file says, or where it is silent, as they look."""
    return image.units == "HU" or (image.units == "stored" and any(c.code == LOOKS_LIKE_CT for c in image.checks))


@dataclass(frozen=True, eq=False)
class VolumeFolder:
    """Prepared cases on the disk."""

    folder: Path
    plan: VolumePlan
    taught: Taught
    modalities: Sequence[str]

    @classmethod
    def within(cls, cache: Path, plan: VolumePlan, taught: Taught, modalities: Sequence[str]) -> VolumeFolder:
        """Return the folder for this plan and what is taught below ``cache``; the patch makes no difference."""
        settings = {
            "plan": plan.model_dump(mode="json", exclude={"patch", "pools"}),
            "outputs": sorted(taught.outputs.items()),
            "structures": sorted((structure.value, structure.id) for structure in taught.structures),
        }
        return cls(cache_folder(cache, "volumes", settings), plan, taught, modalities)

    def fill(self, cases: Sequence[Case], tell: Tell) -> None:
        """Prepare every case that is not prepared yet."""
        for done, case in enumerate(cases, start=1):
            if not self._file(case, "places").exists():
                self._prepare(case)
            tell(done / len(cases))

    def volume(self, case: Case) -> LearntVolume:
        """Return a prepared case."""
        values, classes, places = (np.load(self._file(case, kind), mmap_mode="r") for kind in _KINDS)
        return LearntVolume(values, classes, places)

    def _prepare(self, case: Case) -> None:
        opened = open_case(case, self.taught)
        prepared = prepare(opened.image, self.plan, self.modalities)
        classes = prepared.frame.to_network(opened.classes)
        save_array(self._file(case, "values"), prepared.values)
        save_array(self._file(case, "classes"), classes)
        save_array(self._file(case, "places"), _places(classes, case.key))  # last: it says that the case is complete

    def _file(self, case: Case, kind: str) -> Path:
        mask = identity.file_key(case.mask) if case.mask else ""
        return self.folder / f"{case.key}-{mask}-{kind}.npy"


_KINDS = ("values", "classes", "places")


def _places(classes: NDArray[np.uint16], key: str) -> NDArray[np.int32]:
    draw = np.random.default_rng(int(key, 16))
    found = []
    for output in np.flatnonzero(np.bincount(classes.ravel()))[1:] if classes.any() else ():
        voxels = np.argwhere(classes == output)
        if len(voxels) > _PLACES:
            voxels = voxels[draw.choice(len(voxels), _PLACES, replace=False)]
        found.append(np.column_stack([np.full(len(voxels), output), voxels]))
    return np.concatenate(found).astype(np.int32) if found else np.empty((0, 4), dtype=np.int32)

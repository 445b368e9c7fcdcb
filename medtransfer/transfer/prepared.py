"""What the training loop reads: prepared pictures and, for a frozen lower part, its feature maps, both kept on disk.

Everything here can be computed again, so it lies in the cache. Files are named by the case's key and written under
another name first: a killed run leaves only complete files, and the next one goes on with them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.cohort.model import Case
from medtransfer.contract.bundle import Preprocessing
from medtransfer.transfer.augment import Augmentation, views
from medtransfer.transfer.pictures import as_unit, normalised

Tell = Callable[[float], None]


class Inputs(Protocol):
    """Where the trainable part of a network gets its inputs from."""

    def batch(self, keys: Sequence[str], view: int) -> Tensor:
        """Return float32 inputs for these cases, (n, ...); view 0 is the picture as it is."""


@dataclass(frozen=True, eq=False)
class PictureFolder:
    """Prepared pictures, uint8 (size, size, 3), one file per case.

    ``prepare`` opens and prepares one case; it is called once per case and setting.
    """

    folder: Path
    prepare: Callable[[Case], NDArray[np.uint8]]
    preprocessing: Preprocessing
    augmentation: Augmentation

    @classmethod
    def within(
        cls,
        cache: Path,
        settings: Mapping[str, Any],
        prepare: Callable[[Case], NDArray[np.uint8]],
        preprocessing: Preprocessing,
        augmentation: Augmentation,
    ) -> PictureFolder:
        """Return the folder for these settings below ``cache``; other settings get another folder."""
        used = {**settings, "preprocessing": preprocessing.model_dump(mode="json")}
        return cls(cache_folder(cache, "pictures", used), prepare, preprocessing, augmentation)

    def fill(self, cases: Sequence[Case], tell: Tell) -> None:
        """Prepare every case that is not prepared yet, two at a time while the disk is read."""
        missing = [case for case in cases if not self._file(case.key).exists()]
        with ThreadPoolExecutor(max_workers=2) as pool:
            for done, (case, pixels) in enumerate(zip(missing, pool.map(self.prepare, missing), strict=True), start=1):
                save_array(self._file(case.key), pixels)
                tell(done / len(missing))

    def unit(self, keys: Sequence[str]) -> Tensor:
        """Return the pictures as they are, float32 (n, 3, size, size) in [0, 1]."""
        return as_unit(np.stack([np.load(self._file(key)) for key in keys]))

    def batch(self, keys: Sequence[str], view: int) -> Tensor:
        """Return augmented and normalised pictures, float32 (n, 3, size, size)."""
        changed = views(self.unit(keys), keys, view, self.augmentation)
        return normalised(changed, self.preprocessing)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.npy"


@dataclass(frozen=True, eq=False)
class FeatureFolder:
    """Feature maps of the frozen lower part of a network, float16, one file per case and view."""

    folder: Path
    pictures: PictureFolder
    lower: Callable[[Tensor], Tensor]

    @classmethod
    def within(
        cls, cache: Path, settings: Mapping[str, Any], pictures: PictureFolder, lower: Callable[[Tensor], Tensor]
    ) -> FeatureFolder:
        """Return the folder for these settings (weights, cut) below ``cache``."""
        used = {**settings, "pictures": pictures.folder.name, "augmentation": asdict(pictures.augmentation)}
        return cls(cache_folder(cache, "features", used), pictures, lower)

    def fill(self, keys: Sequence[str], views: int, tell: Tell) -> None:
        """Compute what is missing of the views 0 to ``views - 1`` of these cases.

        One at a time: a map's last bits depend on the batch that it was computed in, and must not depend on where an
        earlier run was killed.
        """
        missing = [(key, view) for view in range(views) for key in keys if not self._file(key, view).exists()]
        for done, (key, view) in enumerate(missing, start=1):
            maps = self.lower(self.pictures.batch([key], view))[0]
            save_array(self._file(key, view), maps.cpu().numpy().astype(np.float16))
            tell(done / len(missing))

    def batch(self, keys: Sequence[str], view: int) -> Tensor:
        """Return cached maps, float32 (n, channels, y, x) for a convolutional network."""
        return torch.from_numpy(np.stack([np.load(self._file(key, view)) for key in keys])).float()

    def _file(self, key: str, view: int) -> Path:
        return self.folder / f"{key}-{view}.npy"


def cache_folder(cache: Path, kind: str, settings: Mapping[str, Any]) -> Path:
    """Return the folder of this kind for these settings, which now exists; other settings have another one."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache / f"{kind}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array, complete or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            np.save(stream, array)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

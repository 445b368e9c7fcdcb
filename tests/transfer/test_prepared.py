from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.cohort.model import Case
from medtransfer.contract.bundle import Preprocessing
from medtransfer.contract.verbs import JobCancelled
from medtransfer.transfer.augment import Augmentation
from medtransfer.transfer.prepared import FeatureFolder, PictureFolder

PREPROCESSING = Preprocessing(size=8, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
AUGMENTATION = Augmentation(mirror=True)


def quietly(_share: float) -> None:
    """Nobody listens."""


def case(number: int) -> Case:
    return Case(f"{number:016x}", Path(f"{number}.png"), f"p{number}", {}, number)


class Opener:
    """Counts how often each case was prepared."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, given: Case) -> NDArray[np.uint8]:
        with self._lock:
            self.opened[given.key] += 1
        return np.full((8, 8, 3), given.row, np.uint8)


class Lower:
    """Stands for a frozen part: the mean of each channel; counts the pictures it saw."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, batch: Tensor) -> Tensor:
        self.seen += len(batch)
        return batch.mean(dim=(2, 3), keepdim=True)


@pytest.fixture
def opener() -> Opener:
    return Opener()


def folder(cache: Path, opener: Opener, augmentation: Augmentation = AUGMENTATION, **settings: str) -> PictureFolder:
    return PictureFolder.within(cache, {"plugin": "x", **settings}, opener, PREPROCESSING, augmentation)


def test_a_picture_is_prepared_once_for_all_runs(tmp_path: Path, opener: Opener) -> None:
    cases = [case(number) for number in range(6)]
    shares: list[float] = []
    folder(tmp_path, opener).fill(cases[:4], shares.append)
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0])
    pictures = folder(tmp_path, opener)
    pictures.fill(cases, quietly)
    assert opener.opened == {given.key: 1 for given in cases}
    assert torch.equal(pictures.unit([cases[5].key])[0, :, 0, 0], torch.full((3,), 5 / 255))


def test_what_a_killed_run_left_half_written_is_not_used(tmp_path: Path, opener: Opener) -> None:
    pictures = folder(tmp_path, opener)
    half = pictures.folder / f"{case(1).key}.npy.4711.partial"
    half.write_bytes(b"\x93NUMPY half")
    pictures.fill([case(1)], quietly)
    assert opener.opened[case(1).key] == 1
    assert pictures.unit([case(1).key]).shape == (1, 3, 8, 8)


def test_a_case_that_cannot_be_prepared_leaves_nothing_and_the_others_complete(tmp_path: Path) -> None:
    def open_all_but_two(given: Case) -> NDArray[np.uint8]:
        if given.row == 2:
            raise ValueError("unreadable")
        return np.zeros((8, 8, 3), np.uint8)

    pictures = PictureFolder.within(tmp_path, {}, open_all_but_two, PREPROCESSING, AUGMENTATION)
    with pytest.raises(ValueError, match="unreadable"):
        pictures.fill([case(number) for number in range(3)], quietly)
    assert sorted(path.name for path in pictures.folder.iterdir()) == [f"{case(n).key}.npy" for n in (0, 1)]


def test_stopping_does_not_wait_for_the_remaining_pictures(tmp_path: Path, opener: Opener) -> None:
    def slowly(given: Case) -> NDArray[np.uint8]:
        time.sleep(0.01)
        return opener(given)

    def stop(_share: float) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        PictureFolder.within(tmp_path, {}, slowly, PREPROCESSING, AUGMENTATION).fill(
            [case(number) for number in range(200)], stop
        )
    assert sum(opener.opened.values()) < 20


def test_other_settings_get_another_folder(tmp_path: Path, opener: Opener) -> None:
    pictures = folder(tmp_path, opener)
    larger = PictureFolder.within(
        tmp_path, {"plugin": "x"}, opener, PREPROCESSING.model_copy(update={"size": 9}), AUGMENTATION
    )
    assert len({pictures.folder, folder(tmp_path, opener, version="2").folder, larger.folder}) == 3
    assert folder(tmp_path, opener).folder == pictures.folder

    def features(of: PictureFolder, cut: str = "0.7") -> Path:
        return FeatureFolder.within(tmp_path, {"cut": cut}, of, Lower()).folder

    changed = folder(tmp_path, opener, Augmentation(mirror=True, colour=0.01))
    assert changed.folder == pictures.folder
    assert len({features(pictures), features(pictures, "0.8"), features(changed), features(larger)}) == 4


def test_features_of_each_view_are_computed_once(tmp_path: Path, opener: Opener) -> None:
    pictures = folder(tmp_path, opener)
    cases = [case(number) for number in range(5)]
    keys = [given.key for given in cases]
    pictures.fill(cases, quietly)
    lower = Lower()
    features = FeatureFolder.within(tmp_path, {}, pictures, lower)
    features.fill(keys[:3], 1, quietly)
    features.fill(keys, 2, quietly)
    features.fill(keys, 2, quietly)
    assert lower.seen == 10
    for view in (0, 1):
        expected = Lower()(pictures.batch(keys, view))
        assert torch.allclose(features.batch(keys, view), expected, atol=1e-3)
    assert features.batch(keys[::-1], 1).dtype == torch.float32
    assert torch.equal(features.batch(keys[::-1], 1), features.batch(keys, 1).flip(0))


def test_features_do_not_depend_on_where_an_earlier_run_stopped(tmp_path: Path, opener: Opener) -> None:
    cases = [case(number) for number in range(6)]
    keys = [given.key for given in cases]

    def filled(cache: Path, parts: list[list[str]]) -> Tensor:
        pictures = folder(cache, opener)
        pictures.fill(cases, quietly)
        torch.manual_seed(0)
        features = FeatureFolder.within(cache, {}, pictures, torch.nn.Conv2d(3, 16, 3).requires_grad_(False))  # noqa: FBT003
        for part in parts:
            features.fill(part, 3, quietly)
        return features.batch(keys, 2)

    assert torch.equal(filled(tmp_path / "a", [keys]), filled(tmp_path / "b", [keys[4:], keys[:1], keys]))

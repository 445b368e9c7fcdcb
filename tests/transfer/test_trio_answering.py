from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from medtransfer.contract.bundle import ModelBundle
from medtransfer.inference.cam import GradCam
from medtransfer.transfer import trio_answering
from medtransfer.transfer.answering import Explained
from medtransfer.transfer.trio_answering import Likeness, TrioAnswerer
from tests.transfer import small
from tests.transfer.small import PlainContext


@pytest.fixture(scope="module")
def answerer(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> TrioAnswerer:
    ctx = PlainContext(tmp_path_factory.mktemp("trio"))
    bundle: ModelBundle = small.learn(pictures, ctx, ("red",), ensemble="trio", folds=2, tune="head", epochs=2)
    return TrioAnswerer.load(bundle, ctx)


def test_what_is_explained_of_the_siamese_component_is_what_it_says(answerer: TrioAnswerer) -> None:
    batch = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(1)) * 2 - 1
    found = answerer.trios["red"].siamese
    with torch.no_grad():
        explained = Likeness(answerer.disease, found).eval()(batch)[:, 0].numpy()
    numbers, _, _ = answerer._said(batch)
    assert np.allclose(explained, numbers["red"][:, 2], atol=1e-4)
    assert np.ptp(explained) > 0


def cam(values: list[list[float]]) -> GradCam:
    raw = np.array(values, np.float32)[None, None]
    return GradCam(raw / max(float(raw.max()), 1.0), raw, np.zeros((1, 1), np.float32), "layer")


def test_the_map_of_the_answer_is_the_mean_of_those_that_show_something() -> None:
    first, second, nothing = (
        Explained(cam([values]), name, name)
        for values, name in (([4.0, 0.0], "a"), ([0.0, 2.0], "b"), ([0.0, 0.0], "n"))
    )
    both = trio_answering._whole(first, second)
    assert (both.part, both.method) == ("", "Grad-CAM, mean of both networks")
    assert np.allclose(both.cam.maps[0, 0], [[1, 1]])
    assert both.cam.raw_maximum[0, 0] == 2.0
    for one in (trio_answering._whole(first, nothing), trio_answering._whole(nothing, first)):
        assert (one.part, one.method) == ("", "a")
        assert one.cam is first.cam

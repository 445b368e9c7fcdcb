from __future__ import annotations

from pathlib import Path

import pytest
import torch
from medtransfer_stunet.network import Scale, STUNet
from stunet_starter import training
from stunet_starter.training import Course, train
from stunet_starter.views import Labelled, view
from torch import Generator, Tensor

PATCH = (16, 16, 16)


def labelled() -> Labelled:
    """Return a volume whose values rise to the left and whose two structures lie left and right."""
    classes = torch.zeros(24, 24, 24, dtype=torch.long)
    classes[6:18, 6:18, 4:11] = 1
    classes[6:18, 6:18, 13:20] = 2
    values = torch.linspace(-1, 1, 24).expand(24, 24, 24).clone() + (classes > 0) * 2.0
    return Labelled.of(values, classes)


def test_views_keep_left_and_right_apart() -> None:
    source, seen = labelled(), 0
    for seed in range(30):
        values, classes = view(source, PATCH, 0.5, Generator().manual_seed(seed))
        assert values.shape == (1, *PATCH)
        assert values.dtype == torch.float32
        assert bool(torch.isfinite(values).all())
        first, second = (classes == 1).nonzero().float(), (classes == 2).nonzero().float()
        if min(len(first), len(second)) > 200:
            seen += 1
            assert first[:, 2].mean() < second[:, 2].mean()
    assert seen > 5


def test_views_differ_from_draw_to_draw_and_not_otherwise() -> None:
    source = labelled()
    (one, _), (same, _), (other, _) = (view(source, PATCH, 0.5, Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_nothing_is_shown_beyond_the_volume() -> None:
    source = Labelled.of(torch.full((8, 8, 8), 5.0), torch.ones(8, 8, 8, dtype=torch.long))
    values, classes = view(source, (64, 64, 64), 0.0, Generator().manual_seed(1))
    beyond = torch.ones(64, 64, 64, dtype=torch.bool)
    beyond[8:56, 8:56, 8:56] = False
    assert not values[0][beyond].any()
    assert not classes[beyond].any()


def test_contrast_agent_raises_a_structure_by_no_more_than_its_uptake_and_leaves_the_other() -> None:
    plain = labelled()
    enhanced = Labelled.of(plain.values, plain.classes, {1: 20.0})
    rises = []
    for seed in range(20):
        values, classes = view(enhanced, PATCH, 1.0, Generator().manual_seed(seed))
        if all(int((classes == one).sum()) > 200 for one in (1, 2)):
            rises.append(float(values[0][classes == 1].mean() - values[0][classes == 2].mean()))
    assert max(rises) > 5
    assert max(rises) < 20 * 1.3  # the scanner's gain is e^0.2 at most, the values themselves differ by less than 2


class Killed(Exception):
    """Ends a training in the middle."""


def trained(checkpoint: Path, killed_after: int = 0) -> dict[str, Tensor]:
    """Train four steps from the checkpoint, or be killed after one of them."""

    def tell(step: int, loss: float) -> None:
        assert loss > 0
        if step == killed_after:
            raise Killed

    torch.manual_seed(3)
    network = STUNet(Scale(2, 1), 1, 3, ((2, 2, 2),))
    courses = (Course(1, 1e-3, 0.0), Course(3, 5e-4, 0.5))
    train(network, labelled(), PATCH, courses, checkpoint, tell)
    return network.state_dict()


def test_training_resumed_is_training_uninterrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "KEPT_EVERY", 2)
    whole = trained(tmp_path / "whole.pt")
    with pytest.raises(Killed):
        trained(tmp_path / "again.pt", killed_after=3)
    assert torch.load(tmp_path / "again.pt", weights_only=True)["step"] == 2
    again = trained(tmp_path / "again.pt")
    assert all(torch.equal(value, again[name]) for name, value in whole.items())

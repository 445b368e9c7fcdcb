from __future__ import annotations

from pathlib import Path

import pytest
import torch

from medtransfer.errors import PluginError
from medtransfer.transfer import checkpoints


def test_a_write_that_fails_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.checkpoint"
    checkpoints.write({"epoch": 1}, place)

    def cut_short(state: object, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", cut_short)
    with pytest.raises(OSError, match="disk full"):
        checkpoints.write({"epoch": 2}, place)
    assert torch.load(place, weights_only=True) == {"epoch": 1}


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_training_with_what_to_change(loss: float) -> None:
    assert checkpoints.require_finite(0.5) == 0.5
    with pytest.raises(PluginError) as caught:
        checkpoints.require_finite(loss, "base_learning_rate")
    assert caught.value.code == "training.diverged"
    assert "--set base_learning_rate" in caught.value.hint

"""What masked pretraining sees of a picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer.transfer import masked_autoencoder, masked_views


def _ramp(rows: int, columns: int) -> torch.Tensor:
    """Return a picture whose first channel tells the column and whose second the row, in [0.25, 0.75]."""
    row, column = torch.meshgrid(torch.linspace(0.25, 0.75, rows), torch.linspace(0.25, 0.75, columns), indexing="ij")
    return torch.stack([column, row, torch.zeros(rows, columns)])[None]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 1.0]))
def test_crops_show_a_part_of_the_area_asked_for(seed: int, smallest: float) -> None:
    """On a ramp, the spread of a part's values is its extent: their product is the part's share of the area."""
    seen = masked_views.crops(_ramp(128, 128), 64, smallest, np.random.default_rng(seed))[0]
    width, height = ((seen[axis].max() - seen[axis].min()).item() * 2 for axis in (0, 1))
    # Where a side would be longer than the picture, at most sqrt(4/3) times, the area shrinks by as much. Values are
    # those of pixels' centres, which takes 1/64 off an extent; rounding to whole pixels of 128 takes or adds 1/128.
    slack = 3 / 128
    assert width * height >= smallest * math.sqrt(3 / 4) - 2 * slack
    assert width >= (3 / 4) * height - 2 * slack
    assert height >= (3 / 4) * width - 2 * slack


def test_every_second_crop_is_mirrored() -> None:
    seen = masked_views.crops(_ramp(32, 32).expand(400, -1, -1, -1), 16, 1.0, np.random.default_rng(0))
    mirrored = (seen[:, 0, 8, 15] < seen[:, 0, 8, 0]).sum().item()
    assert abs(mirrored - 200) < 5 * 10  # five standard deviations of a binomial of 400


def test_a_whole_picture_keeps_its_place() -> None:
    seen = masked_views.whole(_ramp(64, 64), 32)
    expected = _ramp(64, 64).reshape(1, 3, 32, 2, 32, 2).mean(dim=(3, 5))
    torch.testing.assert_close(seen[:, :, 4:-4, 4:-4], expected[:, :, 4:-4, 4:-4], atol=1e-3, rtol=0)


def test_the_guess_is_the_mean_colour_of_what_is_visible() -> None:
    pictures = torch.zeros(1, 3, 32, 32)
    pictures[0, :, :16, :16] = torch.tensor([0.9, 0.5, 0.1])[:, None, None]
    pictures[0, :, 16:, 16:] = 0.3
    guess = masked_views.guessed(masked_autoencoder.patches(pictures), torch.tensor([[0, 3]]))
    back = masked_autoencoder.assembled(guess, 32, 32)
    assert back[0, :, 5, 27].tolist() == pytest.approx([0.6, 0.4, 0.2])
    assert back.std(dim=(2, 3)).max() < 1e-6

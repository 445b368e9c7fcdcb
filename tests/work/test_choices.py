"""Which plug-ins can answer for a series, with which models, and why the others cannot."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer.hosting import install
from medtransfer.store.home import Home
from medtransfer.study.model import Series
from medtransfer.work import inputs, models
from medtransfer.work.choices import NO_MODEL, Choice, choices


def series_in(path: Path) -> Series:
    return inputs.series_of(inputs.scan([path]))[0]


def chosen(home: Home, series: Series, plugin: str) -> Choice:
    return next(choice for choice in choices(home, series) if choice.plugin == plugin)


@pytest.fixture
def picture(make_picture: Callable[..., Path], tmp_path: Path) -> Series:
    return series_in(make_picture(tmp_path / "a.png"))


def test_the_newest_model_comes_first(home: Home, picture: Series, make_bundle: Callable[..., Path]) -> None:
    models.import_bundle(home, make_bundle("test.echo", seed=1), "clinic")
    models.import_bundle(home, make_bundle("test.echo", seed=2), "clinic")
    choice = chosen(home, picture, "test.echo")
    assert choice.fits
    assert [model.reference for model in choice.models] == ["clinic@2", "clinic@1"]
    assert choices(home, picture)[0].plugin == "test.echo"


def test_a_plug_in_without_a_model_does_not_fit_yet(home: Home, picture: Series) -> None:
    assert chosen(home, picture, "test.echo").reason == NO_MODEL


def test_a_grey_picture_does_not_suit_a_plug_in_for_colour(home: Home, tmp_path: Path) -> None:
    Pillow.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "grey.png")
    reason = chosen(home, series_in(tmp_path / "grey.png"), "test.echo").reason
    assert reason == "The plug-in takes colour pictures and this one is grey."


def test_a_damaged_model_is_named_and_a_sound_one_still_fits(
    home: Home, picture: Series, make_bundle: Callable[..., Path]
) -> None:
    broken = models.import_bundle(home, make_bundle("test.echo", seed=1), "broken")
    (broken.folder / "model.json").write_text("{}")
    assert "None of its models can be opened" in chosen(home, picture, "test.echo").reason
    time.sleep(1.1)  # models are dated to the second
    models.import_bundle(home, make_bundle("test.echo", seed=2), "sound")
    choice = chosen(home, picture, "test.echo")
    assert choice.fits
    assert [model.bundle is None for model in choice.models] == [False, True]


def test_a_plug_in_that_is_switched_off_says_so(home: Home, picture: Series) -> None:
    install.disable(home.prepare().root, "test.echo")
    assert "switched off" in chosen(home, picture, "test.echo").reason

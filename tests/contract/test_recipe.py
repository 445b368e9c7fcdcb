"""A recipe is validated once, its mistakes are named, and the presets say what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medtransfer.contract.recipe import PRESETS, Recipe
from medtransfer.errors import DataError, UserError


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_described_in_sentences(name: str) -> None:
    recipe = Recipe.preset(name)
    assert recipe.name == name
    assert recipe.description.count(".") >= 2
    assert Recipe.resolve(name) == recipe


def test_the_presets_train_more_and_more_of_the_network() -> None:
    assert [Recipe.preset(name).tune for name in PRESETS] == ["head", "last-stages", "all"]


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(UserError) as caught:
        Recipe.preset("slow")
    assert caught.value.code == "recipe.unknown"
    assert all(name in caught.value.hint for name in PRESETS)


def test_a_file_is_read_and_its_settings_hold(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text('name = "ours"\ntune = "head"\nepochs = 3\n', encoding="utf-8")
    recipe = Recipe.resolve(str(file))
    assert (recipe.name, recipe.tune, recipe.epochs) == ("ours", "head", 3)
    assert recipe.input_size == Recipe().input_size


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("epochs = 0", "recipe.invalid", "'epochs'"),
        ("epoch = 3", "recipe.invalid", "'epoch'"),
        ('tune = "everything"', "recipe.invalid", "'tune'"),
        ("learning_rate = nan", "recipe.invalid", "'learning_rate'"),
        ("start_share = 1.0", "recipe.invalid", "'start_share'"),
        ("epochs = ", "recipe.syntax", "TOML"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, text: str, code: str, named: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        Recipe.read(file)
    assert caught.value.code == code
    assert named in caught.value.message
    assert caught.value.subject == "wrong.toml"


def test_an_unknown_setting_lists_the_known_ones() -> None:
    with pytest.raises(UserError) as caught:
        Recipe().changed({"learnig_rate": 1e-3})
    assert caught.value.code == "recipe.setting"
    assert "learning_rate" in caught.value.hint


def test_a_missing_file_is_not_a_preset(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Recipe.resolve(str(tmp_path / "absent.toml"))
    assert caught.value.code == "recipe.unreadable"


@pytest.mark.parametrize("settings", [{"epochs": "5"}, {"learning_rate": "1e-3"}, {"seed": "7", "tune": "head"}])
def test_settings_given_as_text_on_the_command_line_become_numbers(settings: dict[str, Any]) -> None:
    changed = Recipe().changed(settings)
    assert all(getattr(changed, key) == type(getattr(Recipe(), key))(value) for key, value in settings.items())

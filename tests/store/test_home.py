from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer.errors import EnvironmentFailure
from medtransfer.store.home import Home


def test_what_is_given_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDTRANSFER_HOME", str(tmp_path / "variable"))
    assert Home.locate(tmp_path / "given").root == tmp_path / "given"
    assert Home.locate().root == tmp_path / "variable"


def test_without_a_wish_the_home_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDTRANSFER_HOME", raising=False)
    assert Home.locate().root.name == "medtransfer"


def test_locating_creates_nothing(tmp_path: Path) -> None:
    Home.locate(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentFailure, match="store cannot be created") as caught:
        Home(tmp_path / "file" / "home").prepare()
    assert "--home" in caught.value.hint

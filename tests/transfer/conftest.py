"""A small table of pictures, and a small model trained on it once."""

from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer.contract.bundle import ModelBundle
from tests.transfer import small


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of 48 labelled pictures."""
    return small.write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A model of both labels. Tests must not change its folder."""
    return small.learn(pictures, small.PlainContext(tmp_path_factory.mktemp("trained")))

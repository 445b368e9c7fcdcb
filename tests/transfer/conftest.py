"""A small table of pictures, and a small model trained on it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medtransfer.contract.bundle import ModelBundle
from medtransfer.transfer import voting
from tests.transfer import small


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of 48 labelled pictures."""
    return small.write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A model of both labels. Tests must not change its folder."""
    return small.learn(pictures, small.PlainContext(tmp_path_factory.mktemp("trained")))


@contextmanager
def forests(trees: int) -> Iterator[None]:
    """Forests small enough for a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voting, "_TREES", trees)
        yield


@pytest.fixture(scope="module")
def few_trees() -> Iterator[None]:
    """Small forests for all tests of a module."""
    with forests(12):
        yield


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 160 pictures: enough positive ones for all learners of a trio."""
    return small.write_pictures(tmp_path_factory.mktemp("many"), patients=80)


@pytest.fixture(scope="session")
def trio_context(tmp_path_factory: pytest.TempPathFactory) -> small.PlainContext:
    """Where :func:`trio_model` was trained."""
    return small.PlainContext(tmp_path_factory.mktemp("trio"))


@pytest.fixture(scope="session")
def trio_model(many: Path, trio_context: small.PlainContext) -> ModelBundle:
    """A trio of both labels, with pictures. Tests must not change its folder."""
    with forests(12):
        return small.learn(many, trio_context, keep_pictures=True, **small.TRIO)

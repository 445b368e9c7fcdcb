from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from medtransfer.contract.bundle import file_sha256
from medtransfer.contract.weights import catalogue
from medtransfer.errors import DataError, UserError
from medtransfer.store.home import Home
from medtransfer.work import weights
from medtransfer.work.session import Session

EMBEDDED = next(entry for entry in catalogue() if entry.package)


class _Code:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.slow
def test_the_embedded_weights_are_converted_once_and_made_again_when_damaged(home: Home) -> None:
    if EMBEDDED.packaged_file() is None:
        pytest.skip("the package with the embedded weights is not installed")
    session = Session(home)
    first = weights.prepare(session, EMBEDDED.name)
    assert first.stem == f"{EMBEDDED.name}-{file_sha256(first)}"
    stamp = first.stat().st_mtime_ns
    assert weights.prepare(session, EMBEDDED.name) == first
    assert first.stat().st_mtime_ns == stamp
    with first.open("r+b") as stream:
        stream.truncate(100)
    assert weights.prepare(session, EMBEDDED.name) == first
    assert [file.name for file in home.weights.iterdir()] == [first.name]


def test_a_pickle_with_code_is_refused_without_running_it(home: Home, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    source = tmp_path / EMBEDDED.file
    source.write_bytes(pickle.dumps(_Code(proof)))
    with pytest.raises(DataError) as caught:
        weights.import_weights(home, source)
    assert caught.value.subject == source.name
    assert caught.value.hint
    assert not proof.exists()
    assert list(home.weights.iterdir()) == []


def test_weights_that_a_person_must_bring_are_asked_for(home: Home) -> None:
    entry = next((entry for entry in catalogue() if not entry.package), None)
    if entry is None:
        pytest.skip("every entry of the catalogue comes with a package")
    with pytest.raises(UserError, match="not on this machine") as caught:
        weights.prepare(Session(home), entry.name)
    assert entry.file in caught.value.hint
    assert "model import" in caught.value.hint


def test_a_name_that_the_catalogue_does_not_have_is_refused(home: Home) -> None:
    with pytest.raises(UserError, match="no entry of that name"):
        weights.prepare(Session(home), "no-such-weights")


def test_a_missing_file_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        weights.import_weights(home, tmp_path / "gone.pth")

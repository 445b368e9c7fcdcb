"""Model bundles that were tampered with: refused before a tensor is used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from medtransfer.contract.bundle import CARD, ModelBundle, file_sha256
from medtransfer.errors import DataError
from medtransfer.transfer.answering import Answerer
from medtransfer.transfer.origin import FromModel
from tests.transfer import small
from tests.transfer.small import RECIPE, PlainContext


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    table = small.write_pictures(folder / "pictures")
    return small.learn(table, PlainContext(folder), ("bright",), tune="head", epochs=1).folder


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


def refusals(folder: Path, scratch: Path) -> list[DataError]:
    """Return how analysing with a bundle and learning from it are refused."""
    found = []
    with pytest.raises(DataError) as caught:
        Answerer.load(ModelBundle.open(folder), PlainContext(scratch))
    found.append(caught.value)
    with pytest.raises(DataError) as caught:
        FromModel(folder, RECIPE)
    found.append(caught.value)
    return found


def rewrite(folder: Path, **changes: object) -> None:
    """Change the card as somebody would who knows its format."""
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    (folder / CARD).write_text(json.dumps({**card, **changes}), encoding="utf-8")


@pytest.mark.parametrize("name", ["label-bright.safetensors", "trunk.safetensors", "reference.safetensors"])
@pytest.mark.parametrize("place", [0, -1])
def test_one_changed_byte_is_noticed(bundle: Path, tmp_path: Path, name: str, place: int) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[place] ^= 1
    (bundle / name).write_bytes(content)
    for error in refusals(bundle, tmp_path):
        assert error.code == "bundle.damaged"
        assert error.subject == name
        assert "again" in error.hint


def test_a_missing_file_is_noticed(bundle: Path, tmp_path: Path) -> None:
    (bundle / "trunk.safetensors").unlink()
    assert {error.code for error in refusals(bundle, tmp_path)} == {"bundle.damaged"}


@pytest.mark.parametrize("kind", ["parent folder", "absolute path", "link"])
def test_a_card_cannot_point_outside_of_its_folder(bundle: Path, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "secret.safetensors"
    shutil.copy(bundle / "trunk.safetensors", outside)
    name = {"parent folder": "../secret.safetensors", "absolute path": str(outside), "link": "inside.safetensors"}[kind]
    if kind == "link":
        (bundle / name).symlink_to(outside)
    files = json.loads((bundle / CARD).read_text())["files"]
    rewrite(bundle, files={**files, name: file_sha256(outside)})
    assert {error.code for error in refusals(bundle, tmp_path)} == {"bundle.damaged"}


def test_a_label_cannot_point_at_a_file_that_the_card_does_not_vouch_for(bundle: Path, tmp_path: Path) -> None:
    shutil.copy(bundle / "label-bright.safetensors", tmp_path / "other.safetensors")
    labels = json.loads((bundle / CARD).read_text())["labels"]
    rewrite(bundle, labels=[{**labels[0], "file": "../other.safetensors"}])
    with pytest.raises(DataError) as caught:
        Answerer.load(ModelBundle.open(bundle), PlainContext(tmp_path))
    assert caught.value.code == "bundle.damaged"
    origin = FromModel(bundle, RECIPE)
    with pytest.raises(DataError) as caught:
        origin.network("bright", dropout=0.0)
    assert caught.value.code == "bundle.damaged"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"surprise": 1}, "bundle.invalid"), ({"format": 99}, "bundle.newer"), ({"labels": 3}, "bundle.invalid")],
)
def test_a_card_that_is_not_ours_is_refused(bundle: Path, changes: dict[str, object], code: str) -> None:
    rewrite(bundle, **changes)
    with pytest.raises(DataError) as caught:
        ModelBundle.open(bundle)
    assert caught.value.code == code


def test_another_backbone_is_refused(bundle: Path, tmp_path: Path) -> None:
    rewrite(bundle, backbone="test_resnet")
    with pytest.raises(DataError) as caught:
        Answerer.load(ModelBundle.open(bundle), PlainContext(tmp_path))
    assert caught.value.code == "weights.other-architecture"

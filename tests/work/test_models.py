from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from medtransfer.contract.bundle import ModelBundle
from medtransfer.errors import DataError, UserError
from medtransfer.hosting import catalogue
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from medtransfer.work import models
from tests.conftest import PLUGINS, BundleMaker


@pytest.mark.parametrize("name", ["exported", "exported.zip"])
def test_a_model_travels_to_another_store_unchanged(
    home: Home, tmp_path: Path, make_bundle: BundleMaker, name: str
) -> None:
    published = registry.publish(home, make_bundle(), "eyes")
    models.export(home, "eyes", tmp_path / name)
    other = Home(tmp_path / "other home")
    imported = models.import_bundle(other, tmp_path / name, None)
    assert (imported.reference, imported.sha256) == ("sample@1", published.sha256)
    imported.open().verify()


def test_an_export_overwrites_nothing(home: Home, tmp_path: Path, make_bundle: BundleMaker) -> None:
    registry.publish(home, make_bundle(), "eyes")
    (tmp_path / "taken.zip").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        models.export(home, "eyes", tmp_path / "taken.zip")
    assert (tmp_path / "taken.zip").read_text() == "mine"


def test_only_files_that_the_card_names_come_out_of_a_zip(home: Home, tmp_path: Path, make_bundle: BundleMaker) -> None:
    registry.publish(home, make_bundle(), "eyes")
    models.export(home, "eyes", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("../outside.txt", "escaped")
        archive.writestr("extra.py", "code")
    imported = models.import_bundle(Home(tmp_path / "other"), tmp_path / "a.zip", "eyes")
    assert {file.name for file in imported.folder.iterdir()} == {"model.json", "weights.txt"}
    assert not list(tmp_path.rglob("outside.txt"))


def test_a_card_that_names_a_file_outside_is_refused(home: Home, tmp_path: Path, make_bundle: BundleMaker) -> None:
    folder = make_bundle()
    card = (folder / "model.json").read_text().replace("weights.txt", "../weights.txt")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("model.json", card)
        archive.writestr("../weights.txt", "escaped")
    with pytest.raises(DataError, match="neither a model bundle"):
        models.import_bundle(home, tmp_path / "a.zip", "eyes")
    assert registry.list_models(home) == []


def test_a_file_that_unpacks_beyond_the_limit_is_refused(
    home: Home, tmp_path: Path, make_bundle: BundleMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.publish(home, make_bundle(), "eyes")
    models.export(home, "eyes", tmp_path / "a.zip")
    monkeypatch.setattr(models, "MAXIMUM_MODEL", 3)
    with pytest.raises(DataError, match="larger than a model may be"):
        models.import_bundle(Home(tmp_path / "other"), tmp_path / "a.zip", "eyes")


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no zip"])
def test_what_is_no_bundle_is_refused(home: Home, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="neither a model bundle"):
        models.import_bundle(home, tmp_path / "a.zip", "eyes")


def test_the_model_of_a_result_is_found_by_its_address_or_named_as_absent(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_bundle: BundleMaker
) -> None:
    folder = tmp_path / "plug-in"
    shutil.copytree(PLUGINS / "trouble", folder)
    starter = make_bundle(plugin="test.trouble", seed=1)
    shutil.copytree(starter, folder / "starter")
    manifest = folder / "medtransfer-plugin.toml"
    manifest.write_text(manifest.read_text().replace("[task]", 'starter = "starter"\n\n[task]', 1))
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", str(folder))
    entry = catalogue.get(home.root, "test.trouble")
    published = registry.publish(home, make_bundle(plugin="test.trouble", seed=2), "tuned")
    addresses = [ModelBundle.open(starter).sha256, published.sha256]
    assert [models.by_address(home, entry, address).sha256 for address in addresses] == addresses
    with pytest.raises(UserError, match="not on this machine"):
        models.by_address(home, entry, "f" * 64)
    assert models.choose(home, entry, None).reference == "tuned@1"
    assert models.choose(home, entry, "starter").bundle.card.seed == 1
    registry.delete(home, "tuned")
    assert models.choose(home, entry, None).reference == "starter"


def test_comparing_says_whether_the_test_cases_were_the_same(home: Home, make_bundle: BundleMaker) -> None:
    for seed in (1, 2):
        registry.publish(home, make_bundle(seed=seed), "eyes")
    comparison = models.compare(home, "eyes@1", "eyes@2")
    assert comparison.same_test
    assert comparison.auroc == {"bright": (None, None), "dark": (None, None)}

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medtransfer.contract.manifest import Golden
from medtransfer.errors import MedTransferError, PluginError
from medtransfer.hosting import catalogue
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.store.home import Home
from medtransfer.work import plugins
from medtransfer.work.session import Session
from tests.conftest import PLUGINS, BundleMaker, PictureMaker


@pytest.fixture
def entry(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_bundle: BundleMaker, make_picture: PictureMaker
) -> PluginEntry:
    """A plug-in with a starter model and a golden case: a grey picture of brightness 0.8."""
    folder = tmp_path / "golden plug-in"
    shutil.copytree(PLUGINS / "trouble", folder)
    shutil.copytree(make_bundle(plugin="test.trouble"), folder / "starter")
    make_picture(folder / "golden.png", value=204)
    expected = {"findings": [{"label": "bright", "probability": 0.8}, {"label": "dark", "probability": 0.2}]}
    (folder / "golden.json").write_text(json.dumps(expected))
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", str(folder))
    found = catalogue.get(home.prepare().root, "test.trouble")
    assert found.manifest is not None
    golden = Golden(input="golden.png", expected="golden.json", tolerance=0.01)
    manifest = found.manifest.model_copy(update={"golden": golden, "starter": "starter"})
    return replace(found, manifest=manifest)


def test_the_golden_case_passes_when_the_answer_is_as_expected(home: Home, entry: PluginEntry) -> None:
    plugins.run_golden_case(Session(home), entry)
    assert not any(home.jobs.iterdir())


def test_another_answer_is_an_error_with_both_figures(home: Home, entry: PluginEntry) -> None:
    expected = {"findings": [{"label": "bright", "probability": 0.6}]}
    (entry.folder / "golden.json").write_text(json.dumps(expected))
    with pytest.raises(PluginError, match=r"answered 0\.8\d* where 0\.6 is expected"):
        plugins.run_golden_case(Session(home), entry)


def test_a_label_that_is_not_answered_is_an_error(home: Home, entry: PluginEntry) -> None:
    (entry.folder / "golden.json").write_text(json.dumps({"findings": [{"label": "glow", "probability": 0.6}]}))
    with pytest.raises(PluginError, match="'glow' it answered None"):
        plugins.run_golden_case(Session(home), entry)


@pytest.mark.parametrize("name", ["../golden.png", "/etc/hostname"])
def test_a_golden_case_outside_the_plug_in_is_refused(home: Home, entry: PluginEntry, name: str) -> None:
    assert entry.manifest is not None
    golden = Golden(input=name, expected="golden.json", tolerance=0.01)
    leading_outside = replace(entry, manifest=entry.manifest.model_copy(update={"golden": golden}))
    with pytest.raises(PluginError, match="outside the plug-in"):
        plugins.run_golden_case(Session(home), leading_outside)


@pytest.fixture
def segmenting(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_bundle: BundleMaker) -> PluginEntry:
    """A plug-in whose golden case is a volume with 40 ml of air and 20 ml of bone; its file names no modality."""
    folder = tmp_path / "golden volumes"
    shutil.copytree(PLUGINS / "labelmap", folder)
    shutil.copytree(make_bundle(plugin="test.labelmap"), folder / "starter")
    values = np.repeat(np.array([-1000, -1000, 40, 40, 900], np.int16), 20 * 10 * 10).reshape(100, 10, 10)
    values[:2] = -1024  # a patch of the scanner's own filling is air, too
    nibabel.save(nibabel.Nifti1Image(values.T, np.diag([2.0, 2.0, 2.5, 1.0])), folder / "golden.nii.gz")  # type: ignore[no-untyped-call]
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", str(folder))
    found = catalogue.get(home.prepare().root, "test.labelmap")
    assert found.manifest is not None
    golden = Golden(input="golden.nii.gz", expected="golden.json", tolerance=0.05)
    return replace(found, manifest=found.manifest.model_copy(update={"golden": golden, "starter": "starter"}))


def with_bone(entry: PluginEntry, millilitres: float) -> PluginEntry:
    sizes = [{"label": "air", "volume_ml": 40.0}, {"label": "bone", "volume_ml": millilitres}]
    (entry.folder / "golden.json").write_text(json.dumps({"findings": [], "structures": sizes}))
    return entry


def test_volumes_may_be_off_by_the_tolerated_share(home: Home, segmenting: PluginEntry) -> None:
    plugins.run_golden_case(Session(home), with_bone(segmenting, 20.9))


@pytest.mark.parametrize("expected", [21.2, 8.0])
def test_volumes_that_are_further_off_are_an_error(home: Home, segmenting: PluginEntry, expected: float) -> None:
    with pytest.raises(PluginError, match=r"'bone' it answered 20\.0"):
        plugins.run_golden_case(Session(home), with_bone(segmenting, expected))


def test_a_structure_that_is_not_answered_is_an_error(home: Home, segmenting: PluginEntry) -> None:
    expected = {"findings": [], "structures": [{"label": "horn", "volume_ml": 1.0}]}
    (segmenting.folder / "golden.json").write_text(json.dumps(expected))
    with pytest.raises(PluginError, match="'horn' it answered None"):
        plugins.run_golden_case(Session(home), segmenting)


def test_what_is_no_plug_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(b"no wheel")
    with pytest.raises(MedTransferError) as caught:
        plugins.inspect(tmp_path / "x.whl")
    assert caught.value.hint

"""Plug-ins are found in all three places, without importing them, and broken ones say why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medtransfer.contract.manifest import MANIFEST_FILE
from medtransfer.errors import PluginError, UserError
from medtransfer.hosting.catalogue import PATH_VARIABLE, find, get
from medtransfer.hosting.install import disable, enable
from tests.hosting.conftest import PLUGINS

ECHO = PLUGINS / "echo"
MANIFEST = ECHO / "medtransfer_echo" / MANIFEST_FILE


@pytest.fixture(autouse=True)
def _no_plugin_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PATH_VARIABLE, raising=False)


def host_package(folder: Path, package: str, plugin_id: str, manifest: str) -> None:
    """Lay out what pip leaves behind: a package and its dist-info. Importing the package is an error."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text("raise AssertionError('imported')")
    (folder / package / MANIFEST_FILE).write_text(manifest, encoding="utf-8")
    info = folder / f"{package}-1.2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2.0\n")
    (info / "entry_points.txt").write_text(f"[medtransfer.plugins]\n{plugin_id} = {package}\n")


def test_a_distribution_beside_medtransfer_is_found_without_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host_package(tmp_path / "site", "hosted_echo", "test.echo", MANIFEST.read_text(encoding="utf-8"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    entry = get(tmp_path, "test.echo")
    assert (entry.origin, entry.folder, entry.sys_path) == ("host", tmp_path / "site" / "hosted_echo", ())
    assert entry.manifest is not None
    assert entry.manifest.name == "Echo"
    assert "hosted_echo" not in sys.modules


def test_a_distribution_that_misnames_its_plugin_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host_package(tmp_path / "site", "misnamed_echo", "test.other", MANIFEST.read_text(encoding="utf-8"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    entry = next(entry for entry in find(tmp_path) if entry.id == "test.echo")
    assert entry.reason == "it was announced as 'test.other', its manifest says 'test.echo'"


def test_a_distribution_whose_package_is_gone_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host_package(tmp_path / "site", "vanished_echo", "test.gone", "")
    shutil.rmtree(tmp_path / "site" / "vanished_echo")
    monkeypatch.syspath_prepend(tmp_path / "site")
    entry = next(entry for entry in find(tmp_path) if entry.id == "test.gone")
    assert "'vanished_echo', which is not there" in entry.reason


def test_plugin_folders_are_found_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ECHO, tmp_path / "plugin-folders" / "mine")
    monkeypatch.setenv(PATH_VARIABLE, str(PLUGINS / "misbehaving"))
    package, module = get(tmp_path, "test.echo"), get(tmp_path, "test.misbehaving")
    assert package.sys_path == (tmp_path / "plugin-folders" / "mine",)
    assert module.sys_path == (PLUGINS / "misbehaving",)


def test_a_folder_of_plugin_folders_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all").mkdir()
    for name in ("one", "two"):
        shutil.copytree(ECHO, tmp_path / "all" / name)
        manifest = tmp_path / "all" / name / "medtransfer_echo" / MANIFEST_FILE
        manifest.write_text(manifest.read_text(encoding="utf-8").replace("test.echo", f"test.{name}"), encoding="utf-8")
    monkeypatch.setenv(PATH_VARIABLE, str(tmp_path / "all"))
    ids = [entry.id for entry in find(tmp_path / "home")]
    assert {"test.one", "test.two"} <= set(ids)


def test_broken_plugins_are_listed_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = MANIFEST.read_text(encoding="utf-8")
    for name, text in {
        "typo": good.replace("[card]", "[card]\nautor = 'x'"),
        "newer": good.replace("test.echo", "test.newer").replace(
            "minimum = 1, maximum = 1", "minimum = 2, maximum = 3"
        ),
        "format": good.replace("manifest = 1", "manifest = 7"),
        "syntax": "manifest = ",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / MANIFEST_FILE).write_text(text, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    names = ("typo", "newer", "format", "syntax", "empty")
    monkeypatch.setenv(PATH_VARIABLE, os.pathsep.join(str(tmp_path / name) for name in names))
    reasons = {entry.id: entry.reason for entry in find(tmp_path / "home")}
    assert "'card.autor' is not known" in reasons["typo"]
    assert "needs plug-in contract 2" in reasons["test.newer"]
    assert "format 7" in reasons["format"]
    assert "not valid TOML" in reasons["syntax"]
    assert MANIFEST_FILE in reasons["empty"]
    with pytest.raises(PluginError, match="needs plug-in contract 2"):
        get(tmp_path / "home", "test.newer")


def test_two_plugins_of_one_id_exclude_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ECHO, tmp_path / "copy")
    monkeypatch.setenv(PATH_VARIABLE, os.pathsep.join([str(ECHO), str(tmp_path / "copy"), str(ECHO)]))
    doubles = [entry for entry in find(tmp_path) if entry.id == "test.echo"]
    assert len(doubles) == 2  # the same folder named twice is one plug-in
    assert all("2 plug-ins with this id" in entry.reason for entry in doubles)


def test_an_unknown_plugin_names_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATH_VARIABLE, str(ECHO))
    with pytest.raises(UserError) as caught:
        get(tmp_path, "test.nothing")
    assert "test.echo" in caught.value.hint


def test_a_disabled_plugin_stays_listed_and_is_not_handed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATH_VARIABLE, str(ECHO))
    disable(tmp_path, "test.echo")
    assert [entry.enabled for entry in find(tmp_path) if entry.id == "test.echo"] == [False]
    with pytest.raises(UserError) as caught:
        get(tmp_path, "test.echo")
    assert caught.value.code == "plugin.disabled"
    enable(tmp_path, "test.echo")
    assert get(tmp_path, "test.echo").enabled


def test_only_known_plugins_can_be_switched(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        disable(tmp_path, "../outside")
    assert not (tmp_path / "disabled-plugins").exists()


def test_the_list_is_quick_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from medtransfer.hosting.catalogue import find; find(Path(sys.argv[1]));"
        "heavy = {'numpy', 'torch', 'psutil', 'pydicom', 'PIL'} & set(sys.modules) - {'numpy'};"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - begun < 5.0

"""Installing from wheels and folders: what is refused, what clashes, what is left behind. Nothing needs a network."""

from __future__ import annotations

import shutil
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from medtransfer.contract.manifest import MANIFEST_FILE
from medtransfer.contract.messages import Log, Progress
from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError, PluginError, UserError
from medtransfer.hosting.catalogue import PATH_VARIABLE, PluginEntry, find, get
from medtransfer.hosting.install import disable, inspect, install, uninstall
from medtransfer.hosting.process import Worker, never
from tests.hosting.conftest import OPTIONS, PLUGINS, JobMaker

ECHO = PLUGINS / "echo"
MANIFEST = (ECHO / "medtransfer_echo" / MANIFEST_FILE).read_text(encoding="utf-8")
CODE = (ECHO / "medtransfer_echo" / "plugin.py").read_text(encoding="utf-8")
GOLDEN = '\n[golden]\ninput = "golden/in.png"\nexpected = "golden/out.json"\ntolerance = 0.1\n'


@pytest.fixture(autouse=True)
def _no_plugin_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PATH_VARIABLE, raising=False)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def silent(_share: float, _stage: str) -> None:
    """Hear nothing."""


def no_golden(_entry: PluginEntry) -> None:
    raise AssertionError("there is no golden case to run")


def write_wheel(
    folder: Path, name: str, version: str, files: dict[str, str | bytes], requires: tuple[str, ...] = ()
) -> Path:
    """Write a wheel by hand: its files, its metadata, and a RECORD without hashes."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {item}\n" for item in requires)
    everything: dict[str, str | bytes] = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    for file in files:
        if file.startswith("dist-info/"):
            everything[file.replace("dist-info", info, 1)] = everything.pop(file)
    record = "".join(f"{file},,\n" for file in (*everything, f"{info}/RECORD"))
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in {**everything, f"{info}/RECORD": record}.items():
            archive.writestr(file, content)
    return path


def write_plugin(
    folder: Path,
    plugin_id: str = "test.wheel",
    package: str = "wheel_plugin",
    code: str = CODE,
    manifest: str = "",
    requires: tuple[str, ...] = (),
    version: str = "1.2.0",
    more: dict[str, str | bytes] | None = None,
) -> Path:
    """Write a plug-in's wheel that behaves like the echo plug-in."""
    text = MANIFEST.replace("test.echo", plugin_id).replace("medtransfer_echo", package).replace("1.2.0", version)
    files: dict[str, str | bytes] = {
        f"{package}/__init__.py": "",
        f"{package}/plugin.py": code,
        f"{package}/{MANIFEST_FILE}": text + manifest,
        "dist-info/entry_points.txt": f"[medtransfer.plugins]\n{plugin_id} = {package}\n",
        **(more or {}),
    }
    return write_wheel(folder, package, version, files, requires)


def log_of(entry: PluginEntry, folder: Path) -> list[str]:
    heard: list[Progress | Log] = []
    with Worker() as worker:
        worker.start(entry, OPTIONS)
        worker.run("analyse", folder, heard.append, never)
    return [message.text for message in heard if isinstance(message, Log)]


def test_a_wheel_is_inspected_without_running_it(wheels: Path) -> None:
    wheel = write_plugin(wheels, code="raise AssertionError('ran')", requires=("medtransfer>=0.1", "numpy>=1"))
    seen = inspect(wheel)
    assert (seen.manifest.id, seen.package, seen.distribution) == ("test.wheel", "wheel_plugin", "wheel_plugin")
    assert seen.requires == ("numpy>=1",)  # medtransfer is the host
    assert seen.manifest.card.licence == "Apache-2.0"
    assert set(seen.files) > {"wheel_plugin/plugin.py", f"wheel_plugin/{MANIFEST_FILE}"}
    assert seen.size > 1000


def test_a_wheel_is_installed_runs_and_leaves_nothing_when_uninstalled(
    tmp_path: Path, wheels: Path, job: JobMaker
) -> None:
    home = tmp_path / "home"
    entry = install(home, write_plugin(wheels), silent, golden=no_golden, pip_arguments=["--no-index"])
    assert (entry.origin, entry.enabled, entry.reason) == ("own environment", True, "")
    assert log_of(get(home, "test.wheel"), job("all")) == ["picture number 1"]
    disable(home, "test.wheel")
    uninstall(home, "test.wheel")
    assert [path for path in home.rglob("*") if path.is_file()] == []
    with pytest.raises(UserError):
        get(home, "test.wheel")


def test_a_folder_is_built_and_installed_and_stays_untouched(tmp_path: Path, job: JobMaker) -> None:
    home, source = tmp_path / "home", tmp_path / "echo"
    shutil.copytree(ECHO, source, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(source.rglob("*"))
    entry = install(home, source, silent, golden=no_golden, pip_arguments=["--no-index"])
    assert sorted(source.rglob("*")) == before
    assert log_of(entry, job("all")) == ["picture number 1"]


DEPENDENT = CODE.replace(
    'ctx.log("info", f"picture number {self.analysed}")',
    'ctx.log("info", f"{tinydep.VERSION} and {np.__version__}")',
).replace("import numpy as np", "import numpy as np\nimport tinydep")


def test_clashing_dependencies_both_work_and_the_hosts_are_not_repeated(
    tmp_path: Path, wheels: Path, job: JobMaker
) -> None:
    home = tmp_path / "home"
    for version in ("1.0", "2.0"):
        write_wheel(wheels, "tinydep", version, {"tinydep.py": f"VERSION = '{version}'"})
    offline = ["--no-index", "--find-links", str(wheels)]
    for name, version in (("one", "1.0"), ("two", "2.0")):
        needs = (f"tinydep=={version}", "numpy>=1.0")
        wheel = write_plugin(tmp_path, f"test.{name}", f"plugin_{name}", DEPENDENT, requires=needs)
        install(home, wheel, silent, golden=no_golden, pip_arguments=offline)
    assert log_of(get(home, "test.one"), job("all")) == [f"1.0 and {np.__version__}"]
    assert log_of(get(home, "test.two"), job("all")) == [f"2.0 and {np.__version__}"]
    assert not list(home.glob("plugins/*/site/numpy"))


def test_a_clash_with_the_host_is_resolved_on_top(tmp_path: Path, wheels: Path, job: JobMaker) -> None:
    host_version = metadata.version("et_xmlfile")
    write_wheel(wheels, "et_xmlfile", "99.0", {"et_xmlfile.py": "VERSION = '99.0'"})
    code = DEPENDENT.replace("tinydep", "et_xmlfile")
    offline = ["--no-index", "--find-links", str(wheels)]
    wheel = write_plugin(tmp_path, code=code, requires=("et-xmlfile==99.0",))
    entry = install(tmp_path / "home", wheel, silent, golden=no_golden, pip_arguments=offline)
    assert log_of(entry, job("all")) == [f"99.0 and {np.__version__}"]
    assert metadata.version("et_xmlfile") == host_version  # the host keeps its own


def test_a_missing_dependency_leaves_nothing_behind(tmp_path: Path, wheels: Path) -> None:
    home = tmp_path / "home"
    wheel = write_plugin(wheels, requires=("no-such-distribution-anywhere",))
    with pytest.raises(EnvironmentFailure) as caught:
        install(home, wheel, silent, golden=no_golden, pip_arguments=["--no-index"])
    assert caught.value.code == "pip.failed"
    assert "no-such-distribution-anywhere" in caught.value.__notes__[0]
    assert list((home / "plugins").iterdir()) == []


def test_a_failing_golden_case_installs_nothing_and_keeps_the_old_version(tmp_path: Path, wheels: Path) -> None:
    home = tmp_path / "home"
    install(home, write_plugin(wheels), silent, golden=no_golden, pip_arguments=["--no-index"])
    tried: list[str] = []

    def fails(entry: PluginEntry) -> None:
        assert entry.manifest is not None
        tried.append(entry.manifest.version)
        raise DataError("bright is 0.2 instead of 0.9", code="golden.differs", hint="")

    newer = write_plugin(wheels, version="1.3.0", manifest=GOLDEN)
    with pytest.raises(PluginError, match=r"bright is 0.2") as caught:
        install(home, newer, silent, golden=fails, pip_arguments=["--no-index"])
    assert caught.value.code == "plugin.golden"
    assert tried == ["1.3.0"]
    manifest = get(home, "test.wheel").manifest
    assert manifest is not None
    assert manifest.version == "1.2.0"
    assert [item.name for item in (home / "plugins").iterdir()] == ["test.wheel"]


def test_the_golden_case_runs_on_the_new_plugin_before_it_is_seen(tmp_path: Path, wheels: Path, job: JobMaker) -> None:
    home = tmp_path / "home"
    folder = job("all")
    seen: list[str] = []

    def golden(entry: PluginEntry) -> None:
        assert [other.id for other in find(home) if other.origin == "own environment"] == []
        seen.extend(log_of(entry, folder))

    install(home, write_plugin(wheels, manifest=GOLDEN), silent, golden=golden, pip_arguments=["--no-index"])
    assert seen == ["picture number 1"]
    assert get(home, "test.wheel").enabled


def test_a_newer_version_replaces_the_older(tmp_path: Path, wheels: Path) -> None:
    for version in ("1.2.0", "1.3.0"):
        wheel = write_plugin(wheels, version=version)
        entry = install(tmp_path / "home", wheel, silent, golden=no_golden, pip_arguments=["--no-index"])
    assert entry.manifest is not None
    assert entry.manifest.version == "1.3.0"
    assert not list((tmp_path / "home").rglob("wheel_plugin-1.2.0.dist-info"))


def test_an_interrupted_installation_is_invisible(tmp_path: Path, wheels: Path) -> None:
    home = tmp_path / "home"

    def interrupt(share: float, _stage: str) -> None:
        if share > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install(home, write_plugin(wheels), interrupt, golden=no_golden, pip_arguments=["--no-index"])
    assert list((home / "plugins").iterdir()) == []
    (home / "plugins" / ".staging-killed" / "plugin" / "site").mkdir(parents=True)
    assert [entry.id for entry in find(home) if entry.origin == "own environment"] == []


def test_a_damaged_installation_is_listed_and_can_be_uninstalled(tmp_path: Path) -> None:
    (tmp_path / "plugins" / "test.wheel").mkdir(parents=True)
    entry = next(entry for entry in find(tmp_path) if entry.id == "test.wheel")
    assert "damaged" in entry.reason
    uninstall(tmp_path, "test.wheel")
    assert list((tmp_path / "plugins").iterdir()) == []


def test_a_plugin_folder_is_neither_doubled_nor_uninstalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PATH_VARIABLE, str(ECHO))
    with pytest.raises(UserError) as caught:
        install(tmp_path, ECHO, silent, golden=no_golden)
    assert caught.value.code == "plugin.exists"
    with pytest.raises(UserError) as caught:
        uninstall(tmp_path, "test.echo")
    assert caught.value.code == "plugin.not-ours"
    assert (ECHO / "pyproject.toml").exists()


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a\\..\\evil.py", "C:/evil.py"])
def test_a_wheel_that_reaches_outside_is_refused(tmp_path: Path, wheels: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads outside"):
        install(tmp_path, write_plugin(wheels, more={name: "x"}), silent, golden=no_golden)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(wheels: Path) -> None:
    with pytest.raises(DataError, match="beyond belief"):
        inspect(write_plugin(wheels, more={"wheel_plugin/zeros.bin": b"\0" * 20_000_000}))


def test_a_link_in_a_wheel_is_refused(wheels: Path) -> None:
    wheel = write_plugin(wheels)
    with zipfile.ZipFile(wheel, "a") as archive:
        link = zipfile.ZipInfo("wheel_plugin/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="link"):
        inspect(wheel)


def test_a_truncated_wheel_is_refused(wheels: Path) -> None:
    wheel = write_plugin(wheels)
    wheel.write_bytes(wheel.read_bytes()[:-100])
    with pytest.raises(DataError) as caught:
        inspect(wheel)
    assert caught.value.subject == wheel.name


def test_a_wheel_with_a_flipped_byte_is_refused(wheels: Path) -> None:
    wheel = write_plugin(wheels)
    content = bytearray(wheel.read_bytes())
    content[200] ^= 0xFF
    wheel.write_bytes(content)
    with pytest.raises(MedTransferError):
        inspect(wheel)


def test_a_wheel_without_a_plugin_is_refused(wheels: Path) -> None:
    with pytest.raises(PluginError, match=MANIFEST_FILE):
        inspect(write_wheel(wheels, "tinydep", "1.0", {"tinydep.py": ""}))


def test_a_wheel_that_announces_another_id_is_refused(wheels: Path) -> None:
    wheel = write_plugin(
        wheels, more={"dist-info/entry_points.txt": "[medtransfer.plugins]\ntest.other = wheel_plugin\n"}
    )
    with pytest.raises(PluginError, match="does not announce"):
        inspect(wheel)


def test_a_plugin_for_another_contract_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ECHO, tmp_path / "echo")
    manifest = tmp_path / "echo" / "medtransfer_echo" / MANIFEST_FILE
    manifest.write_text(MANIFEST.replace("minimum = 1, maximum = 1", "minimum = 2, maximum = 2"), encoding="utf-8")
    with pytest.raises(PluginError, match="needs plug-in contract 2"):
        inspect(tmp_path / "echo")


def test_what_is_neither_a_wheel_nor_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plugin.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="neither a wheel nor a folder"):
        inspect(tmp_path / "plugin.zip")
    with pytest.raises(PluginError, match=r"pyproject\.toml"):
        inspect(PLUGINS / "misbehaving")

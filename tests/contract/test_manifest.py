"""The manifest is read without importing the plug-in, and every mistake in it is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.contract.manifest import CONTRACT, MANIFEST_FILE, MANIFEST_FORMAT, read_manifest
from medtransfer.errors import PluginError

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "plugins" / "fundus_trio" / "medtransfer_fundus_trio" / MANIFEST_FILE
TEXT = OURS.read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    file = folder / MANIFEST_FILE
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str) -> PluginError:
    with pytest.raises(PluginError) as caught:
        read_manifest(written(folder, text))
    assert str(folder) not in caught.value.message + caught.value.hint
    return caught.value


def test_reading_a_manifest_imports_nothing_of_the_plugin() -> None:
    program = (
        "import sys; from pathlib import Path; from medtransfer.contract.manifest import read_manifest;"
        f" read_manifest(Path({str(OURS)!r}));"
        " print(any(name.startswith(('medtransfer_fundus_trio', 'torch')) for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_our_own_manifest_is_read_from_file_or_folder() -> None:
    manifest = read_manifest(OURS)
    assert read_manifest(OURS.parent) == manifest
    assert manifest.id == "medtransfer.fundus-trio"
    assert manifest.unusable_reason == ""
    known = manifest.label("mya")
    assert known is not None
    assert known.code == "57190000"
    assert manifest.label("nothing") is None


def test_a_key_nobody_knows_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, TEXT.replace("[can]", "[can]\nfly = true"))
    assert error.code == "manifest.invalid"
    assert "'can.fly' is not known" in error.message


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "medtransfer.fundus-trio"', 'id = "Fundus Trio"', "id"),
        ('entry = "medtransfer_fundus_trio.plugin:FundusTrio"', 'entry = "os.system"', "entry"),
        ("dimensions = 2", "dimensions = 5", "input.dimensions"),
        ("analyse_mib = 1500", "analyse_mib = 0", "memory.analyse_mib"),
        ('{ id = "dme",', '{ id = "dr",', "task"),
        ("minimum = 1, maximum = 1", "minimum = 2, maximum = 1", "api"),
    ],
)
def test_a_value_that_cannot_be_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert old in TEXT
    error = refusal(tmp_path, TEXT.replace(old, new))
    assert error.code == "manifest.invalid"
    assert f"{key!r}" in error.message


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, TEXT[: TEXT.index("[card]")])
    assert "'card'" in error.message


def test_a_newer_format_asks_for_an_update_even_when_its_keys_are_strange(tmp_path: Path) -> None:
    text = f"manifest = {MANIFEST_FORMAT + 1}\nnew = true\n"
    error = refusal(tmp_path, text)
    assert error.code == "manifest.newer"
    assert error.hint == "Update medtransfer."


@pytest.mark.parametrize(
    ("lowest", "highest", "advice"),
    [(CONTRACT + 1, CONTRACT + 2, "update medtransfer"), (CONTRACT, CONTRACT, "")],
)
def test_another_contract_makes_a_plugin_unusable_with_the_reason(
    tmp_path: Path, lowest: int, highest: int, advice: str
) -> None:
    text = TEXT.replace("minimum = 1, maximum = 1", f"minimum = {lowest}, maximum = {highest}")
    reason = read_manifest(written(tmp_path, text)).unusable_reason
    assert advice in reason
    assert bool(reason) == bool(advice)


def test_no_manifest_and_no_toml_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        read_manifest(tmp_path)
    assert caught.value.code == "manifest.missing"
    assert refusal(tmp_path, "manifest = [").code == "manifest.syntax"


@given(content=st.binary(max_size=400))
def test_whatever_is_in_the_file_the_answer_is_a_manifest_or_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("any") / MANIFEST_FILE
    file.write_bytes(content)
    with pytest.raises(PluginError):
        read_manifest(file)

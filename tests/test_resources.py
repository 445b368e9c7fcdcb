from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from medtransfer.errors import EnvironmentFailure
from medtransfer.resources import resource

ROOT = Path(__file__).resolve().parents[1]


def test_the_demo_picture_is_the_one_that_its_licence_note_names() -> None:
    digest = hashlib.sha256(resource("demo/retina.jpg").read_bytes()).hexdigest()
    assert digest in resource("demo/LICENCES.md").read_text(encoding="utf-8")


def test_a_missing_resource_is_an_error_that_names_it() -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        resource("demo/nothing.jpg")
    assert caught.value.code == "resources.missing"
    assert caught.value.subject == "demo/nothing.jpg"


@pytest.mark.slow
def test_a_built_wheel_carries_the_packages_and_the_resources(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("medtransfer", "resources"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    code = {file.relative_to(source).as_posix() for file in (source / "medtransfer").rglob("*") if file.is_file()}
    resources = source / "resources"
    data = {file.relative_to(resources).as_posix() for file in resources.rglob("*") if file.is_file()}
    assert code - names == set()
    assert {f"medtransfer_resources/{name}" for name in data} - names == set()
    assert not any(name.startswith(("resources/", "tests/", "installer/", "plugins/")) for name in names)

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from installer import environment
from installer.environment import Checkout, check_space, fingerprint, is_ready
from installer.errors import SetupError


def make_checkout(root: Path) -> Checkout:
    (root / "installer").mkdir(parents=True)
    (root / "plugins" / "one").mkdir(parents=True)
    for name in ("pyproject.toml", "setup.py", "installer/constraints.txt", "plugins/one/pyproject.toml"):
        (root / name).write_text(f"# {name}\n", encoding="utf-8")
    return Checkout(root)


def complete(checkout: Checkout) -> None:
    python = checkout.program("python")
    python.parent.mkdir(parents=True)
    python.write_bytes(b"")
    (checkout.venv / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")
    checkout.stamp.write_text(fingerprint(checkout), encoding="ascii")


def test_a_completed_environment_is_left_alone(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    assert not is_ready(checkout)
    complete(checkout)
    assert is_ready(checkout)


@pytest.mark.parametrize(
    "changed",
    ["pyproject.toml", "setup.py", "installer/constraints.txt", "plugins/one/pyproject.toml", ".venv/pyvenv.cfg"],
)
def test_any_change_of_what_decides_asks_for_an_update(tmp_path: Path, changed: str) -> None:
    checkout = make_checkout(tmp_path)
    complete(checkout)
    (tmp_path / changed).write_text("changed\n", encoding="utf-8")
    assert not is_ready(checkout)


def test_a_new_plug_in_asks_for_an_update(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    complete(checkout)
    (tmp_path / "plugins" / "two").mkdir()
    assert is_ready(checkout)
    (tmp_path / "plugins" / "two" / "pyproject.toml").write_text("", encoding="utf-8")
    assert not is_ready(checkout)


def test_an_environment_without_its_python_is_not_ready(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    complete(checkout)
    checkout.program("python").unlink()
    assert not is_ready(checkout)


def test_a_moved_checkout_is_not_ready(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "here")
    complete(checkout)
    (tmp_path / "here").rename(tmp_path / "there")
    assert not is_ready(Checkout(tmp_path / "there"))


def test_a_full_disk_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        check_space(tmp_path / ".venv", free_space=lambda _: int(2.5e9))
    assert "2.5 GB are free" in caught.value.message
    check_space(tmp_path / ".venv", free_space=lambda _: int(50e9))


def test_an_update_needs_little_space(tmp_path: Path) -> None:
    torch = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "torch"
    torch.mkdir(parents=True)
    (torch / "version.py").write_text("", encoding="utf-8")
    check_space(tmp_path / ".venv", free_space=lambda _: int(2.5e9))
    with pytest.raises(SetupError):
        check_space(tmp_path / ".venv", free_space=lambda _: int(0.5e9))


@pytest.mark.slow
def test_a_half_made_environment_is_made_again_and_a_failure_leaves_no_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real venv, and a real pip that finds no index: it fails in plain words, and nothing passes for complete."""
    checkout = make_checkout(tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
        encoding="utf-8",
    )
    checkout.venv.mkdir()
    (checkout.venv / "half-made").write_text("", encoding="utf-8")
    monkeypatch.setattr(environment, "check_space", lambda *_args, **_named: None)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    with pytest.raises(SetupError) as caught:
        environment.prepare(checkout, said.append)
    assert "setuptools" in caught.value.message
    assert any("again" in line for line in said)
    assert not (checkout.venv / "half-made").exists()
    assert not (checkout.venv / "downloads").exists()
    assert "setuptools" in (checkout.venv / "setup.log").read_text(encoding="utf-8")
    assert not is_ready(checkout)
    assert subprocess.run([checkout.program("python"), "-c", "pass"], check=False).returncode == 0

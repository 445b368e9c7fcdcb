from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from medtransfer.errors import EnvironmentFailure
from medtransfer.store import files
from medtransfer.store.lock import exclusive


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    files.write_text(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EnvironmentFailure, match="disk is full"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_copy_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("a")

    def full(*_: object, **__: object) -> None:
        (tmp_path / "target").with_name(".target.part").mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copytree", full)
    with pytest.raises(EnvironmentFailure) as caught:
        files.copy_folder(source, tmp_path / "target")
    assert caught.value.code == "disk.full"
    assert not (tmp_path / "target").exists()


def test_other_errors_of_the_system_pass_through() -> None:
    with pytest.raises(PermissionError), files.full_disk_explained():
        raise PermissionError(errno.EACCES, "no")


def test_too_little_space_is_said_before_the_work_starts(tmp_path: Path) -> None:
    files.require_space(tmp_path / "not" / "yet" / "there", 0)
    with pytest.raises(EnvironmentFailure, match="MB free and this needs about"):
        files.require_space(tmp_path, 10**9)


def test_a_lock_is_held_by_one_and_freed_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    story = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from medtransfer.store.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1]), 'a test'):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", story, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(EnvironmentFailure, match="a training is already running"), exclusive(path, "a training"):
            pass
        holder.kill()
    with exclusive(path, "a training"):
        pass

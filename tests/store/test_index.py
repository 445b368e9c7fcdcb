"""The index of folders: private, thrown away when it is damaged or made by other code, and cleared without a trace."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medtransfer.store import answers, index
from medtransfer.store.answers import Answer, examine, header_of
from medtransfer.store.home import Home
from medtransfer.study.dicom import read_header
from medtransfer.study.limits import DEFAULT
from tests.study.builders import write_axial

ROOT = Path(__file__).resolve().parents[2]
ROWS = {"a.dcm": index.Row("1 2 3", Answer("dicom", b"[1]")), "b.txt": index.Row("4 5 6", Answer(None))}


def fill(home: Home, folder: Path) -> None:
    with index.opened(home) as opened:
        opened.keep(folder, ROWS)


def content(home: Home, folder: Path) -> dict[str, index.Row]:
    with index.opened(home) as opened:
        return opened.rows(folder)


def test_rows_are_kept_replaced_and_dropped(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path)
    assert content(home, tmp_path) == ROWS
    newer = index.Row("9 9 9", Answer("dicom", refusal=b"[]"))
    with index.opened(home) as opened:
        opened.keep(tmp_path, {"a.dcm": newer}, gone=["b.txt"])
        assert opened.rows(tmp_path) == {"a.dcm": newer}
        assert opened.rows(tmp_path / "other") == {}


def test_folders_that_are_gone_are_dropped_below_the_root_and_nowhere_else(home: Home, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("root", "root/gone", "root/there", "rooted")]
    for folder in folders:
        fill(home, folder)
    with index.opened(home) as opened:
        opened.drop_missing(tmp_path / "root", [tmp_path / "root", tmp_path / "root" / "there"])
        assert [bool(opened.rows(folder)) for folder in folders] == [True, False, True, True]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights elsewhere")
def test_only_its_owner_may_read_it(home: Home, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with index.opened(home) as opened:
            opened.keep(tmp_path, ROWS)
            files = list(home.cache.glob("headers.sqlite3*"))
            assert len(files) == 3  # with its log and its shared memory
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)


def test_a_damaged_index_starts_anew(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path)
    index.place(home).write_bytes(b"no database at all" * 100)
    assert content(home, tmp_path) == {}


def test_an_index_that_other_code_made_starts_anew(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, tmp_path)
    monkeypatch.setattr(index, "reader_fingerprint", lambda: "other code")
    assert content(home, tmp_path) == {}


def test_clearing_leaves_no_byte_of_a_name(home: Home, tmp_path: Path) -> None:
    with index.opened(home) as opened:
        opened.keep(tmp_path, {"Miller_Anna.dcm": index.Row("1", Answer("dicom", b'["Miller^Anna"]'))})
    assert b"Miller" in index.place(home).read_bytes()
    index.clear(home)
    assert all(b"Miller" not in file.read_bytes() for file in home.cache.glob("headers.sqlite3*"))
    assert content(home, tmp_path) == {}


def test_folders_that_nobody_opens_are_forgotten(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, tmp_path)
    later = time.time() + (index.KEPT_DAYS + 1) * 86400
    monkeypatch.setattr("medtransfer.store.index.time.time", lambda: later)
    assert content(home, tmp_path) == {}


def test_size_counts_what_is_there(home: Home, tmp_path: Path) -> None:
    fill(home, tmp_path)
    with index.opened(home) as opened:
        size = opened.size()
    assert (size.folders, size.files) == (1, 2)
    assert size.bytes == index.place(home).stat().st_size or size.bytes > 0


def test_a_process_that_is_killed_loses_only_what_it_had_not_kept(home: Home, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from medtransfer.store import index;"
        "from medtransfer.store.home import Home; from medtransfer.store.answers import Answer;"
        "opened = index.opened(Home(Path(sys.argv[1]))); table = opened.__enter__();"
        "table.keep(Path('first'), {'a': index.Row('1', Answer(None))});"
        "table._connection.execute('BEGIN IMMEDIATE');"
        "table._connection.execute('DELETE FROM folders');"
        "os.kill(os.getpid(), signal.SIGTERM if sys.platform == 'win32' else signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode != 0
    assert list(content(home, Path("first"))) == ["a"], done.stderr


def test_a_locked_index_says_so_and_is_not_thrown_away(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(home, tmp_path)
    monkeypatch.setattr(index, "BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(index.place(home), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError), index.opened(home) as opened:
        opened.keep(tmp_path, ROWS)
    other.execute("ROLLBACK")
    other.close()
    assert content(home, tmp_path) == ROWS


def test_a_header_comes_back_as_it_was_read(tmp_path: Path) -> None:
    path = write_axial(tmp_path, [1.5]) / "000.dcm"
    answer = examine(path)
    assert answer is not None
    assert header_of(answer, path) == read_header(path, DEFAULT)


def test_what_may_change_without_the_file_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "damaged.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 300)
    (tmp_path / "empty.dcm").touch()
    assert [examine(tmp_path / name) for name in ("damaged.dcm", "empty.dcm", "absent.dcm")] == [None] * 3


def test_the_fingerprint_follows_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = answers.reader_fingerprint.__wrapped__()
    (tmp_path / "dicom.py").write_text("other code")
    monkeypatch.setattr("medtransfer.store.answers.resources.files", lambda package: tmp_path)
    assert answers.reader_fingerprint.__wrapped__() != before

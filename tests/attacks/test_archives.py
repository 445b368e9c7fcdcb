"""Archives made to fill a disk, to write elsewhere or to be believed: each is refused, and nothing stays behind."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import struct
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.limits import Limits

MIB = 1024 * 1024
WANTED = (
    "../up.png", "/absolute.png", "C:/drive.png", "..\\back.png", "a/../../up.png", "\\\\host\\share.png",
    "in/fine.png",
)  # fmt: skip


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files: private, and empty again afterwards; no more than 64 MiB of memory at once."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    tracemalloc.start()
    try:
        yield folder
        assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


def refusal(path: Path, place: Path, limits: Limits | None = None) -> str:
    with pytest.raises(DataError) as caught:
        study.open(path, limits or Limits())
    assert not any(place.iterdir())
    return caught.value.code


def png(value: int = 7) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(np.full((4, 5), value, np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def tarred(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_a_zip_that_unfolds_into_gigabytes(tmp_path: Path, place: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.dcm", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(MIB))
    assert refusal(tmp_path / "a.zip", place) == "archive.too-large"


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path, place: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": png(), "b.dcm": bytes(4 * MIB)})
    content = path.read_bytes()
    lie = content.replace(struct.pack("<I", 4 * MIB), struct.pack("<I", 100))
    path.write_bytes(lie)
    assert refusal(path, place) == "study.damaged"


def test_members_that_share_their_bytes_are_counted_each(tmp_path: Path, place: Path) -> None:
    """Fifield, A better zip bomb, 2019: many entries of the directory point at one member."""
    path = zipped(tmp_path / "a.zip", {"a.dcm": bytes(2 * MIB)})
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[start:end]
    count = 200
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, start, 0)
    path.write_bytes(content[:start] + entry * count + tail)
    assert refusal(path, place) == "archive.too-large"


def test_a_zip_with_more_entries_than_there_are_images(tmp_path: Path, place: Path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{n}.png": png() for n in range(30)})
    assert refusal(path, place, Limits(archive_members=29)) == "archive.too-many"
    assert len(study.open(path, Limits(archive_members=30))) == 30


@pytest.mark.parametrize("announced", [2**31, 2**32 - 1])
def test_a_zip_whose_directory_is_longer_than_any(tmp_path: Path, place: Path, announced: int) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": png()})
    content = bytearray(path.read_bytes())
    end = content.index(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<I", announced)
    path.write_bytes(bytes(content))
    assert refusal(path, place) in {"archive.too-many", "study.damaged"}


def test_an_archive_within_an_archive(tmp_path: Path, place: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.png": png()}).read_bytes()
    whole = tarred(tmp_path / "a.tar.gz", (tarfile.TarInfo("inner.zip"), inner))
    assert refusal(whole, place) == "archive.nested"
    found = study.scan(tarred(tmp_path / "b.tar", (tarfile.TarInfo("i.zip"), inner), (tarfile.TarInfo("a.png"), png())))
    assert [problem.code for problem in found.problems] == ["archive.nested"]
    assert len(found.studies) == 1


def test_paths_that_lead_out_are_left_out_and_told(tmp_path: Path, place: Path) -> None:
    path = zipped(tmp_path / "a.zip", {name: png() for name in WANTED})
    (entry,) = study.open(path)
    assert entry.series[0].source.names == ("fine.png",)
    told = {check.code: check.message for check in entry.series[0].image().checks}
    assert told["archive.left-out"].startswith("6 entries")
    written = [entry for entry in tmp_path.rglob("*") if entry.is_file()]
    assert len(written) == 2
    assert all(entry == path or place in entry.parents for entry in written)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_left_out(tmp_path: Path, place: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("link.png")
    link.type, link.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(link)
        info = tarfile.TarInfo("link.png")
        info.size = len(png())
        archive.addfile(info, io.BytesIO(png()))
    (entry,) = study.open(tmp_path / "a.tar")
    assert "archive.left-out" in {check.code for check in entry.series[0].checks}
    assert not any(path.is_symlink() for path in place.rglob("*"))


def test_a_link_in_a_zip_is_left_out(tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("fine.png", png())
    (entry,) = study.open(tmp_path / "a.zip")
    assert "archive.left-out" in {check.code for check in entry.series[0].checks}


def test_a_tar_that_announces_more_than_a_disk_holds(tmp_path: Path, place: Path) -> None:
    info = tarfile.TarInfo("a.dcm")
    info.size = 2**40
    (tmp_path / "a.tar").write_bytes(info.tobuf())
    assert refusal(tmp_path / "a.tar", place) == "archive.too-large"


def long_name(size: int) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, size
    return info.tobuf(tarfile.GNU_FORMAT)


def pax(size: int) -> bytes:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, size
    return info.tobuf()


@pytest.mark.parametrize("header", [long_name, pax])
def test_a_tar_whose_headers_unfold_into_gigabytes(tmp_path: Path, place: Path, header: Callable[[int], bytes]) -> None:
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(header(300 * MIB))
        for _ in range(300):
            file.write(bytes(MIB))
    assert refusal(tmp_path / "a.tar.gz", place) == "study.damaged"


def test_headers_that_follow_one_another_without_end(tmp_path: Path, place: Path) -> None:
    record = b"12 path=abc\n"
    header = pax(len(record)) + record.ljust(512, b"\0")
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        for _ in range(5000):
            file.write(header)
    assert refusal(tmp_path / "a.tar.gz", place) == "study.damaged"


def test_a_sparse_member_is_left_out(tmp_path: Path, place: Path) -> None:
    block = bytearray(tarfile.TarInfo("a.dcm").tobuf(tarfile.GNU_FORMAT))
    block[156:157] = tarfile.GNUTYPE_SPARSE
    block[386:483] = bytes(97)
    block[482] = 1  # more map blocks follow, each of which says so again
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    following = bytearray(512)
    following[504] = 1
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(bytes(block))
        for _ in range(5_000):
            file.write(bytes(following))
    assert refusal(tmp_path / "a.tar.gz", place) == "study.damaged"


def test_names_that_a_terminal_would_obey_are_shown_harmless(tmp_path: Path, place: Path) -> None:
    path = zipped(
        tmp_path / "a.zip", {"in/\x1b[2Jeye\u202e.png": png(), "\ud83d.png".encode("utf-8", "replace").decode(): png(9)}
    )
    names = [name for entry in study.open(path) for series in entry.series for name in series.source.names]
    assert names[0] == "\ufffd[2Jeye\ufffd.png"


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_planted_where_leftovers_lie_is_not_followed(tmp_path: Path, place: Path) -> None:
    from medtransfer.study.unpacked import remove_abandoned

    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("keep")
    (place / "medtransfer-unpacked-1-1-x").symlink_to(tmp_path / "precious")
    (place / "medtransfer-unpacked-strange").mkdir()
    remove_abandoned.cache_clear()
    remove_abandoned()
    assert (tmp_path / "precious" / "file").read_text() == "keep"
    (place / "medtransfer-unpacked-1-1-x").unlink()


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["zip", "tar", "gz"]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.floats(0.2, 1.0),
)
def test_flipped_bytes_give_images_or_a_refusal_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[int, int]], cut: float
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    if kind == "zip":
        path = zipped(folder / "a.zip", {"in/a.png": png(), "b.png": png(9)})
    else:
        path = tarred(folder / f"a.{kind}", (tarfile.TarInfo("in/a.png"), png()), (tarfile.TarInfo("b.png"), png(9)))
    content = bytearray(path.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path.write_bytes(bytes(content[: int(len(content) * cut)]))
    with contextlib.suppress(DataError):  # any other kind of error fails the test, and so does a warning
        for entry in study.open(path):
            assert entry.series[0].image().array.size

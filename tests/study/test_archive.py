"""Archives and DICOMDIR: what is in them opens as if it lay in a folder, and nothing is left behind."""

from __future__ import annotations

import gc
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from pydicom.data import get_testdata_file
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.dicomdir import Directory, read_directory
from medtransfer.study.limits import DEFAULT
from medtransfer.study.model import Image
from medtransfer.study.unpacked import remove_abandoned
from tests.study.builders import nifti, write_axial


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CT, a volume in two files, a photograph, a table."""
    root = tmp_path / "in"
    (root / "ct").mkdir(parents=True)
    write_axial(root / "ct", [0, 2, 4])
    nifti.save(nifti.Nifti1Pair(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4)), root / "pair.hdr")
    Pillow.fromarray(np.full((4, 5, 3), 9, np.uint8)).save(root / "eye.png")
    (root / "labels.csv").write_text("a,b\n")
    return root


def packed(folder: Path, target: Path) -> Path:
    kind = {".zip": "zip", ".tar": "tar", ".gz": "gztar"}[target.suffix]
    made = Path(shutil.make_archive(str(target.parent / "made"), kind, folder))
    return made.rename(target)


def images(path: Path) -> dict[tuple[str, ...], Image]:
    return {series.source.names: series.image() for entry in study.open(path) for series in entry.series}


def codes(image: Image) -> set[str]:
    return {check.code for check in image.checks}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "without-a-suffix"])
def test_an_archive_holds_what_the_folder_holds(folder: Path, place: Path, tmp_path: Path, name: str) -> None:
    whole = packed(folder, tmp_path / (name if "." in name else "b.zip"))
    whole = whole.rename(tmp_path / name)
    expected, found = images(folder), images(whole)
    assert set(found) == set(expected) == {("000.dcm", "001.dcm", "002.dcm"), ("pair.hdr", "pair.img"), ("eye.png",)}
    for names, image in found.items():
        np.testing.assert_array_equal(image.array, expected[names].array)
        assert codes(image) == codes(expected[names]) | {"archive.member"}
    assert study.scan(whole).problems == ()


def test_it_stays_unpacked_as_long_as_a_series_may_be_read_and_no_longer(
    folder: Path, place: Path, tmp_path: Path
) -> None:
    whole = packed(folder, tmp_path / "a.zip")
    found = study.open(whole)
    (unpacked,) = place.iterdir()
    if os.name == "posix":
        assert unpacked.stat().st_mode & 0o077 == 0
    assert all(path.name.isdecimal() for path in unpacked.rglob("*"))
    assert not any(path.read_bytes() == b"a,b\n" for path in unpacked.rglob("*") if path.is_file())
    series = found[0].series[0]
    del found
    gc.collect()
    assert series.image().array.size
    del series
    gc.collect()
    assert not any(place.iterdir())


def test_what_a_killed_process_left_behind_is_removed_by_the_next(folder: Path, place: Path, tmp_path: Path) -> None:
    whole = packed(folder, tmp_path / "a.zip")
    program = (
        "import os, sys, tempfile\nfrom medtransfer import study\n"
        f"tempfile.tempdir = {str(place)!r}\nfound = study.open({str(whole)!r})\n"
        "os._exit(0) if sys.argv[1] == 'killed' else None"
    )
    for how, left in (("ended", 0), ("killed", 1)):
        subprocess.run([sys.executable, "-c", program, how], check=True)
        assert len(list(place.iterdir())) == left
    kept = study.open(whole)
    remove_abandoned.cache_clear()
    study.open(folder)
    assert len(list(place.iterdir())) == 1
    assert kept[0].series[0].image().array.size


def test_a_broken_member_is_named_as_it_was_in_the_archive(folder: Path, place: Path, tmp_path: Path) -> None:
    (folder / "broken.png").write_bytes((folder / "eye.png").read_bytes()[:40])
    (folder / "ct" / "000.dcm").write_bytes((folder / "ct" / "000.dcm").read_bytes()[:-10])
    found = study.scan(packed(folder, tmp_path / "a.tar.gz"))
    assert {problem.subject for problem in found.problems} <= {"broken.png", "000.dcm"}
    assert "000.dcm" in {problem.subject for problem in found.problems}


def test_a_segmentation_in_an_archive_can_be_read_later(data_folder: Path, place: Path, tmp_path: Path) -> None:
    found = study.scan(packed(data_folder / "dicom" / "ct-with-seg", tmp_path / "a.zip"))
    (annotations, path) = found.annotations, found.annotations[0].path
    assert all(annotation.name.endswith(".dcm") for annotation in annotations)
    del found
    gc.collect()
    assert path.is_file()
    del annotations
    gc.collect()
    assert not path.exists()


def test_an_archive_without_images_is_an_error_alone_and_none_in_a_folder(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "notes.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing to see")
    with pytest.raises(DataError) as caught:
        study.open(folder / "notes.zip")
    assert caught.value.code == "study.nothing-found"
    assert study.scan(folder).problems == ()


def test_a_workbook_is_no_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "labels.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / "labels.xlsx")
    assert caught.value.code == "study.unknown-format"


def dicomdir(folder: Path, *references: str, syntax: str = "1.2.840.10008.1.2.1") -> Path:
    """Write the skeleton of a DICOMDIR: a preamble, its class, its transfer syntax, and the file ids."""
    content = bytes(128) + b"DICM" + b"\x02\x00\x02\x00UI\x16\x001.2.840.10008.1.3.10\0\0"
    stated = syntax.encode() + b"\0" * (len(syntax) % 2)
    content += b"\x02\x00\x10\x00UI" + len(stated).to_bytes(2, "little") + stated
    order: Literal["little", "big"] = "big" if syntax == ExplicitVRBigEndian else "little"
    tag = (0x0004).to_bytes(2, order) + (0x1500).to_bytes(2, order)
    for reference in references:
        text = reference.encode() + b" " * (len(reference) % 2)
        explicit = b"CS" + len(text).to_bytes(2, order)
        content += tag + (len(text).to_bytes(4, order) if syntax == ImplicitVRLittleEndian else explicit) + text
    (folder / "DICOMDIR").write_bytes(content)
    return folder / "DICOMDIR"


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-implicit", "DICOMDIR-bigEnd"])
def test_a_real_directory_opens_the_files_that_it_names(name: str) -> None:
    source = get_testdata_file(name, download=False)
    assert isinstance(source, str)
    entries = study.open(source)
    names = [name for entry in entries for series in entry.series for name in series.source.names]
    assert len(names) == 31  # all that it names, as pydicom's FileSet counts them
    assert not any(c.code.startswith("dicomdir") for entry in entries for s in entry.series for c in s.checks)


@settings(max_examples=30, deadline=None)
@given(
    names=st.lists(st.text("ABCXYZ0189_", min_size=1, max_size=8), min_size=1, max_size=6, unique=True),
    syntax=st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]),
)
def test_a_directory_names_its_files_in_any_transfer_syntax(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], syntax: UID
) -> None:
    folder = tmp_path_factory.mktemp("disc").resolve()
    (folder / "IN").mkdir()
    for name in names:
        (folder / "IN" / name).touch()
    path = dicomdir(folder, *(f"IN\\{name}" for name in names), "IN\\NOT_THERE", syntax=syntax)
    found = read_directory(path, DEFAULT)
    assert found == Directory(tuple(folder / "IN" / name for name in names), missing=1, outside=0)


def test_a_directory_finds_files_in_any_case_and_tells_of_the_rest(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_axial(tmp_path / "in", [0, 2, 4])
    path = dicomdir(
        tmp_path,
        "IN\\000.DCM",
        "IN\\001.dcm",
        "IN\\009.DCM",
        "..\\SECRET",
        "IN\\..\\IN\\002.DCM",
        "C:\\X",
        "\\IN",
        "IN\\/",
    )
    (entry,) = study.open(path)
    (series,) = entry.series
    assert series.source.names == ("000.dcm", "001.dcm")
    told = {check.code: check.message for check in series.image().checks}
    assert told["dicomdir.missing"] == "1 file of the DICOMDIR is not there."
    assert told["dicomdir.outside"] == "5 files of the DICOMDIR lie outside its own folder."


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_directory_follows_no_link_out_of_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    write_axial(outside, [0, 2])
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc" / "IN").symlink_to(outside)
    with pytest.raises(DataError) as caught:
        study.open(dicomdir(tmp_path / "disc", "IN\\000.DCM"))
    assert caught.value.code == "dicomdir.outside"


def test_in_a_folder_a_directory_adds_nothing_and_tells_what_is_missing(tmp_path: Path) -> None:
    write_axial(tmp_path, [0, 2, 4])
    dicomdir(tmp_path, "000.DCM", "001.DCM", "GONE")
    found = study.scan(tmp_path)
    assert [series.shape[0] for entry in found.studies for series in entry.series] == [3]
    assert [problem.code for problem in found.problems] == ["dicomdir.missing"]


def test_a_directory_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        study.open(dicomdir(tmp_path))
    assert caught.value.code == "dicomdir.empty"


def test_a_whole_disc_in_a_zip_opens_once(tmp_path: Path, place: Path) -> None:
    (tmp_path / "disc").mkdir()
    write_axial(tmp_path / "disc", [0, 2, 4])
    dicomdir(tmp_path / "disc", "000.DCM", "GONE")
    found = study.scan(packed(tmp_path / "disc", tmp_path / "a.zip"))
    assert [series.shape[0] for entry in found.studies for series in entry.series] == [3]
    assert found.problems == ()


def test_members_with_the_same_name_are_kept_apart(tmp_path: Path, place: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for value in (1, 2):
            buffer = io.BytesIO()
            Pillow.fromarray(np.full((4, 5), value, np.uint8)).save(buffer, format="PNG")
            info = tarfile.TarInfo("eye.png")
            info.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(info, buffer)
    values = [int(s.image().array.max()) for entry in study.open(tmp_path / "a.tar") for s in entry.series]
    assert values == [1, 2]


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"])
def test_a_data_set_without_preamble_or_meta_header_opens_the_same(tmp_path: Path, name: str) -> None:
    source = get_testdata_file(name, download=False)
    assert isinstance(source, str)
    content = Path(source).read_bytes()
    meta = 144 + int.from_bytes(content[140:144], "little")
    (expected,) = images(Path(source)).values()
    for number, start in enumerate((meta, 132)):
        if "bigendian" in name and start == meta:
            continue
        (tmp_path / f"{number}.dcm").write_bytes(content[start:])
        (found,) = images(tmp_path / f"{number}.dcm").values()
        np.testing.assert_array_equal(found.array, expected.array)

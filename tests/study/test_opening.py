"""Files, folder trees, several paths, and everything that is not what it should be."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.model import Image
from tests.study.builders import DX_STORAGE, ct_slice, dataset, nifti, save, write_axial


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with one CT series, one NIfTI file, one picture, and what lies around in real folders."""
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / ".cache").mkdir()
    write_axial(tmp_path / "deep" / "deeper", [0, 2, 4])
    nifti.save(nifti.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4)), tmp_path / "deep" / "a.nii.gz")
    Pillow.new("L", (5, 4)).save(tmp_path / "picture-without-suffix", format="PNG")
    Pillow.new("L", (5, 4)).save(tmp_path / ".cache" / "hidden.png")
    Pillow.new("L", (5, 4)).save(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "empty").write_bytes(b"")
    return tmp_path


def shapes(studies: list[study.Study]) -> list[tuple[int, ...]]:
    return sorted(series.shape for entry in studies for series in entry.series)


def test_a_tree_is_walked_by_content_and_the_rest_is_passed_over(tree: Path) -> None:
    found = study.scan(tree)
    assert shapes(list(found.studies)) == [(3, 4, 6), (4, 3, 2), (4, 5)]
    assert found.problems == ()


def test_several_paths_count_each_file_once(tree: Path) -> None:
    picture = tree / "picture-without-suffix"
    assert shapes(study.open([tree / "deep", picture, str(picture), tree])) == [(3, 4, 6), (4, 3, 2), (4, 5)]


def test_a_loop_of_links_ends(tree: Path) -> None:
    try:
        (tree / "deep" / "again").symlink_to(tree, target_is_directory=True)
        (tree / "broken.dcm").symlink_to(tree / "nowhere")
    except OSError:
        pytest.skip("this system does not let the test make links")
    assert shapes(study.open(tree)) == [(3, 4, 6), (4, 3, 2), (4, 5)]


def test_a_file_counts_once_by_whatever_links_it_is_reached(tree: Path, tmp_path: Path) -> None:
    picture, aliases = tree / "picture-without-suffix", tmp_path / "aliases"
    aliases.mkdir()
    try:
        (aliases / "picture").symlink_to(picture)
        (aliases / "tree").symlink_to(tree, target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let the test make links")
    by_folder = aliases / "tree" / picture.name
    assert shapes(study.open([picture, aliases / "picture", by_folder])) == [(4, 5)]


def test_unreadable_images_in_a_tree_are_told_and_stop_nothing(tree: Path) -> None:
    (tree / "bad.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 300)
    (tree / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (tree / "zero.dcm").write_bytes(b"")
    (tree / "fake.jpg").write_text("no picture")
    found = study.scan(tree)
    assert len(study.open(tree)) == len(found.studies) == 3
    assert {p.subject: p.code for p in found.problems} == {
        "bad.dcm": "study.damaged",
        "bad.png": "study.damaged",
        "zero.dcm": "study.empty",
        "fake.jpg": "study.unknown-format",
    }


CMS = b"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" + bytes(100)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "study.empty"),
        (b"plain text", "study.unknown-format"),
        (b"%PDF-1.7", "study.unknown-format"),
        (b"PK\x03\x04\x14\x00\x00\x00" + bytes(50), "study.damaged"),
        (b"PK\x03\x04\x14\x00\x01\x00" + bytes(50), "study.encrypted"),
        (b"Salted__" + bytes(50), "study.encrypted"),
        (CMS, "study.encrypted"),
        (b"\0" * 128 + b"DICM", "study.damaged"),
        (b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI", "study.damaged"),
    ],
)
@pytest.mark.parametrize("name", ["Miller_Anna.dcm", "Miller_Anna"])
def test_a_wrong_file_gives_an_error_that_names_it_only_in_the_subject(
    tmp_path: Path, content: bytes, code: str, name: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        study.open(tmp_path / name)
    error = caught.value
    assert (error.code, error.subject) == (code, name)
    assert error.hint
    assert "Miller" not in error.message + error.hint
    assert str(tmp_path) not in error.shown()


def test_what_is_absent_or_holds_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError) as absent:
        study.open(tmp_path / "nowhere")
    with pytest.raises(DataError) as nothing:
        study.open(tmp_path)
    assert (absent.value.code, nothing.value.code) == ("study.absent", "study.nothing-found")


def test_a_file_cut_anywhere_is_an_error_or_complete(tmp_path: Path) -> None:
    whole = save(ct_slice(np.arange(24, dtype=np.uint16).reshape(4, 6), (0, 0, 0)), tmp_path / "whole.dcm").read_bytes()
    for length in range(1, len(whole), 7):
        path = tmp_path / "cut.dcm"
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            study.open(path)[0].series[0].image()


def test_a_file_that_becomes_shorter_after_opening_is_truncated(tmp_path: Path) -> None:
    path = save(ct_slice(np.zeros((4, 6), np.uint16), (0, 0, 0)), tmp_path / "a.dcm")
    series = study.open(path)[0].series[0]
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError) as caught:
        series.image()
    assert caught.value.code == "study.truncated"


def test_pixels_are_read_only(tree: Path) -> None:
    for entry in study.open(tree):
        image: Image = entry.series[0].image()
        with pytest.raises(ValueError, match="read-only"):
            image.array[0, 0] = 1


def test_no_patient_and_no_path_reach_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    made = dataset(np.zeros((4, 4), np.uint8), modality="DX", sop_class=DX_STORAGE, PatientBirthDate="19700101")
    save(made, tmp_path / "Secret_file.dcm")
    Pillow.new("L", (4, 4)).save(tmp_path / "Secret_file.tif", tiffinfo={270: "Secret description"})
    nifti.save(nifti.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), tmp_path / "Secret_file.nii")
    (tmp_path / "Secret_bad.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\x04\x00Sec")
    with caplog.at_level(logging.DEBUG):
        found = study.scan(tmp_path)
        for entry in found.studies:
            entry.series[0].image()
    assert len(found.studies) == 3
    written = caplog.text + "".join(capfd.readouterr())
    for secret in ("Secret", "MRN-4711", "1970", tmp_path.name, "1.2.3.4"):
        assert secret not in written


def test_importing_study_imports_no_reader() -> None:
    code = (
        "import sys, medtransfer.study, medtransfer.study.checks, medtransfer.study.display;"
        "print([m for m in ('pydicom', 'nibabel', 'PIL', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(study.__file__).parents[2])},
    )
    assert done.stdout.strip() == "[]"

"""A folder de-identified: no name of the source is left, what may show text is held back, a stop costs nothing."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import shutil
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer import logs, study
from medtransfer.errors import UserError
from medtransfer.store.home import Home
from medtransfer.study.confidentiality.profile import Options
from medtransfer.work.deidentify import Outcome, Wishes, deidentify
from medtransfer.work.session import Session
from tests.study.builders import ct_slice, nifti, save, simple_itk, write_axial

NAMES = (b"Miller", b"MRN-4711", b"Secret", b"1.2.3.4", b"19700101")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two series of one patient, an ultrasound, a picture, a volume, a broken file and a text."""
    folder = tmp_path / "Miller_Anna"
    for name, number in (("one", 1), ("two", 2)):
        (folder / name).mkdir(parents=True)
        write_axial(folder / name, [0, 2, 4], SeriesInstanceUID=f"1.2.3.4.{number}", PatientBirthDate="19700101")
    save(ct_slice(np.zeros((4, 6), np.uint16), (0, 0, 0), Modality="US"), folder / "Miller_us.dcm")
    Pillow.new("L", (5, 4), 7).save(folder / "Miller.png")
    nifti.save(nifti.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4)), folder / "Miller.nii.gz")
    (folder / "Miller_broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 300)
    (folder / "notes.txt").write_text("Miller was here")
    return folder


def run(home: Home, source: Path, out: Path, wishes: Wishes | None = None) -> Outcome:
    with Session(home) as session:
        return deidentify(session, source, out, wishes or Wishes())


def files(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def state(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.stat().st_mtime_ns).encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def test_a_folder_is_written_anew_and_nothing_names_the_patient(home: Home, source: Path, tmp_path: Path) -> None:
    before = state(source)
    outcome = run(home, source, tmp_path / "out")
    assert (outcome.written, outcome.left_out) == (8, 1)
    assert [held.kind for held in outcome.held] == ["unstated"]
    assert [path.name for path, _ in outcome.failed] == ["Miller_broken.dcm"]
    assert state(source) == before
    assert files(tmp_path / "out") == [
        *(".lock", ".settings.json", ".written.jsonl", "pictures/000001.png", "report.csv", "report.json"),
        *(f"study-0001/series-000{n}/00000{m}.dcm" for n in (1, 2) for m in (1, 2, 3)),
        "volumes/000001.nii.gz",
    ]
    for path in (tmp_path / "out").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [name for name in NAMES if name in content or name in path.name.encode()], path


def test_the_images_are_the_same(home: Home, source: Path, tmp_path: Path) -> None:
    run(home, source, tmp_path / "out")
    for folder in ("one", "two"):
        original = study.open(source / folder)[0].series[0].image()
        number = {"one": 1, "two": 2}[folder]
        written = study.open(tmp_path / "out" / "study-0001" / f"series-000{number}")[0]
        assert np.array_equal(written.series[0].image().array, original.array)
        affine = written.series[0].image().affine
        assert affine is not None
        assert np.allclose(affine, np.asarray(original.affine))
        assert written.patient.id.startswith("P-")
    assert len([entry for entry in study.open(tmp_path / "out") if len(entry.series) == 2]) == 1


def test_the_report_counts_and_holds_no_value(home: Home, source: Path, tmp_path: Path) -> None:
    run(home, source, tmp_path / "out")
    with (tmp_path / "out" / "report.csv").open(encoding="utf-8", newline="") as stream:
        rows = {(row["element"], row["action"]): int(row["count"]) for row in csv.DictReader(stream)}
    assert rows[("(0010,0010) Patient's Name", "replaced by a pseudonym")] == 6
    assert rows[("(0020,000E) Series Instance UID", "UID replaced")] == 6
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["held_back"] == {"unstated": 1}
    assert report["failed"] == {"study.damaged": 1}
    assert report["files"] == 8


def test_what_was_looked_at_is_added_to_the_same_folder(home: Home, source: Path, tmp_path: Path) -> None:
    run(home, source, tmp_path / "out")
    second = run(home, source, tmp_path / "out", Wishes(include_burned_in=True))
    assert (second.written, second.already, second.held) == (1, 8, [])


def test_a_stop_costs_nothing(home: Home, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen = 0

    def stop(stage: str, fraction: float | None, values: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            session.cancelled.set()

    with Session(home, stop) as session, pytest.raises(UserError, match="stopped"):
        deidentify(session, source, out, Wishes())
    with (out / ".written.jsonl").open("ab") as stream:
        stream.write(b'{"source": "half a li')  # as a kill leaves it
    resumed = run(home, source, out)
    assert resumed.already > 0
    assert resumed.written + resumed.already == 8
    whole = run(home, source, tmp_path / "whole")
    assert whole.written == 8
    assert [name for name in files(out) if name.endswith(".dcm")] == [
        name for name in files(tmp_path / "whole") if name.endswith(".dcm")
    ]
    for name in files(out):
        if not name.startswith("."):
            assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_the_same_secret_gives_the_same_pseudonym_anywhere(source: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef")
    wishes = Wishes(secret_file=tmp_path / "secret")
    found = []
    for name in ("a", "b"):
        run(Home(tmp_path / f"home-{name}"), source, tmp_path / name, wishes)
        found.append(study.open(tmp_path / name / "study-0001")[0])
    assert found[0].patient == found[1].patient
    assert found[0].uid == found[1].uid
    run(Home(tmp_path / "home-c"), source, tmp_path / "c")
    assert study.open(tmp_path / "c" / "study-0001")[0].patient != found[0].patient


def test_the_key_file_is_written_on_request_alone_and_is_private(home: Home, source: Path, tmp_path: Path) -> None:
    key = tmp_path / "keys" / "key.csv"
    for _ in range(2):
        run(home, source, tmp_path / "out", Wishes(key_file=key))
    with key.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["patient_id"] for row in rows] == ["MRN-4711"]
    assert rows[0]["pseudonym"] == study.open(tmp_path / "out" / "study-0001")[0].patient.id
    if sys.platform != "win32":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE((home.root / "deidentification.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["source/out", "source", "."])
def test_output_and_source_must_lie_apart(home: Home, source: Path, tmp_path: Path, place: str) -> None:
    out = {"source/out": source / "out", "source": source, ".": source.parent}[place]
    before = state(source)
    with pytest.raises(UserError) as caught:
        run(home, source, out)
    assert caught.value.code == "deidentify.overlap"
    assert state(source) == before


def test_what_would_be_mixed_up_is_refused(home: Home, source: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    run(home, source, tmp_path / "out")
    (tmp_path / "short").write_text("short")
    cases = {
        "deidentify.not-empty": (source, tmp_path / "full", Wishes()),
        "deidentify.other-settings": (source, tmp_path / "out", Wishes(Options(dates="keep"))),
        "deidentify.key-file": (source, tmp_path / "new", Wishes(key_file=tmp_path / "new" / "key.csv")),
        "deidentify.secret": (source, tmp_path / "new", Wishes(secret_file=tmp_path / "short")),
        "input.missing": (source / "absent", tmp_path / "new", Wishes()),
    }
    for code, (what, out, wishes) in cases.items():
        with pytest.raises(UserError) as caught:
            run(home, what, out, wishes)
        assert caught.value.code == code


def test_an_image_of_another_kind_is_a_failure_and_not_passed_over(home: Home, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "volume").write_bytes(b"NRRD0004\ntype: short\n")
    (tmp_path / "in" / "named.dcm").write_text("no image")
    outcome = run(home, tmp_path / "in", tmp_path / "out")
    assert sorted(path.name for path, _ in outcome.failed) == ["named.dcm", "volume"]


def test_a_single_file_is_enough(home: Home, source: Path, tmp_path: Path) -> None:
    outcome = run(home, source / "one" / "000.dcm", tmp_path / "out")
    assert outcome.written == 1


def test_nothing_personal_reaches_the_log(
    home: Home, source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(tmp_path / "logs")
    with caplog.at_level(logging.DEBUG):
        run(home, source, tmp_path / "out")
    written = caplog.text + "".join(capfd.readouterr())
    written += "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "logs").iterdir())
    assert "deidentify.done" in written
    for name in (*NAMES, tmp_path.name.encode()):
        assert name.decode() not in written


def planted(folder: Path, wrapped: Path) -> Path:
    """Move every file of a folder into an archive, in a folder named after the patient."""
    if wrapped.suffix == ".zip":
        with zipfile.ZipFile(wrapped, "w") as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, Path("Miller_Anna") / path.relative_to(folder))
    else:
        with tarfile.open(wrapped, "w:gz") as archive:
            archive.add(folder, "Miller_Anna")
    shutil.rmtree(folder)
    return wrapped


@pytest.mark.parametrize("name", ["Miller.zip", "Miller.tar.gz"])
def test_an_archive_is_written_as_files_and_nothing_names_the_patient(
    home: Home, source: Path, tmp_path: Path, name: str
) -> None:
    straight = run(home, source, tmp_path / "straight")
    (tmp_path / "in").mkdir()
    planted(source, tmp_path / "in" / name)
    outcome = run(home, tmp_path / "in", tmp_path / "out")
    assert (outcome.written, len(outcome.held)) == (straight.written, 1)
    assert [(path.parent.name, path.name) for path, _ in outcome.failed] == [(name, "Miller_broken.dcm")]
    assert files(tmp_path / "out") == files(tmp_path / "straight")
    for path in (tmp_path / "out").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not [word for word in NAMES if word in content or word in path.name.encode()], path
    again = run(home, tmp_path / "in", tmp_path / "out")
    assert (again.written, again.already) == (0, outcome.written)


def test_an_archive_in_an_archive_is_refused_by_name(home: Home, source: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    planted(source, inner / "scan.zip")
    (tmp_path / "in").mkdir()
    outer = planted(inner, tmp_path / "in" / "outer.zip")
    outcome = run(home, outer, tmp_path / "out")
    assert [(path.name, error.code) for path, error in outcome.failed] == [("scan.zip", "archive.nested")]


def test_nrrd_and_metaimage_are_written_anew(home: Home, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = simple_itk.GetImageFromArray(values)
    image.SetMetaData("PatientName", "Miller")
    for name in ("Miller.nrrd", "Miller.mhd"):  # the values of the second lie in Miller.raw
        simple_itk.WriteImage(image, str(tmp_path / "in" / name))
    outcome = run(home, tmp_path / "in", tmp_path / "out")
    assert (outcome.written, outcome.failed) == (2, [])
    volumes = sorted((tmp_path / "out" / "volumes").iterdir())
    assert [path.suffix for path in volumes] == [".mha", ".nrrd"]
    for path in volumes:
        assert b"Miller" not in path.read_bytes()
        np.testing.assert_array_equal(study.open(path)[0].series[0].image().array, values)

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image as Pillow

from medtransfer.errors import DataError, MedTransferError, UserError
from medtransfer.store import jobs, models
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.rerun import rerun
from medtransfer.work.session import Session
from tests.conftest import BundleMaker, PictureMaker

OPTIONS = Options("test.trouble")


@pytest.fixture
def session(home: Home, make_bundle: BundleMaker) -> Session:
    models.publish(home, make_bundle(plugin="test.trouble"), "sample")
    return Session(home)


def test_one_picture_gives_one_complete_result(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    picture = make_picture(tmp_path / "eye.png", value=204)
    with session:
        outcome = analyse(session, [picture], OPTIONS, tmp_path / "out")
    (done,) = outcome.done
    assert done.folder == tmp_path / "out"
    written = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [finding["probability"] for finding in written["findings"]] == pytest.approx([0.8, 0.2])
    assert written["source"]["names"] == ["eye.png"]
    assert str(tmp_path) not in (tmp_path / "out" / "result.json").read_text()
    rows = list(csv.DictReader((tmp_path / "out" / "findings.csv").read_text().splitlines()))
    assert [row["positive"] for row in rows] == ["1", "0"]
    assert not any(session.home.jobs.iterdir())
    assert [job.state for job in jobs.list_jobs(session.home)] == ["done"]


def test_several_pictures_share_one_worker_and_a_broken_one_stops_nobody(
    session: Session, tmp_path: Path, make_picture: PictureMaker
) -> None:
    for number in range(3):
        make_picture(tmp_path / "in" / f"{number}.png", seed=number)
    (tmp_path / "in" / "broken.png").write_bytes((tmp_path / "in" / "0.png").read_bytes()[:60])
    with session:
        outcome = analyse(session, [tmp_path / "in"], OPTIONS, tmp_path / "out")
    assert len(outcome.done) == 3
    assert [failed.names for failed in outcome.failed] == [("broken.png",)]
    assert outcome.failed[0].reason
    assert outcome.failed[0].hint
    assert all((done.folder / "result.json").is_file() for done in outcome.done)


def test_the_only_picture_failing_is_an_error_and_leaves_nothing(
    session: Session, tmp_path: Path, make_picture: PictureMaker
) -> None:
    picture = make_picture(tmp_path / "white.png", value=255)
    with session, pytest.raises(MedTransferError, match="exit code 9"):
        analyse(session, [picture], OPTIONS, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not any(session.home.jobs.iterdir())


def test_after_a_worker_died_the_next_job_works(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    with session:
        with pytest.raises(MedTransferError):
            analyse(session, [make_picture(tmp_path / "white.png", value=255)], OPTIONS, tmp_path / "a")
        assert analyse(session, [make_picture(tmp_path / "grey.png", value=99)], OPTIONS, tmp_path / "b").done


def test_a_result_is_never_overwritten(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    picture = make_picture(tmp_path / "eye.png")
    with session:
        analyse(session, [picture], OPTIONS, tmp_path / "out")
        before = (tmp_path / "out" / "result.json").read_bytes()
        with pytest.raises(UserError, match="never overwritten"):
            analyse(session, [picture], OPTIONS, tmp_path / "out")
    assert (tmp_path / "out" / "result.json").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options("test.nobody"), "no plug-in"),
        (Options("test.trouble", model="nobody"), "no such model"),
        (Options("test.trouble", model="starter"), "no model yet"),
        (Options("test.trouble", explain=("glow",)), "no such label"),
        (Options("test.trouble", explainer="rollout"), "attention rollout needs a vision transformer"),
        (Options("test.trouble", formats=("nifti",)), "only a segmentation"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_before_anything_runs(
    session: Session, tmp_path: Path, make_picture: PictureMaker, options: Options, message: str
) -> None:
    with session, pytest.raises(UserError, match=message) as caught:
        analyse(session, [make_picture(tmp_path / "eye.png")], options, tmp_path / "out")
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_model_of_another_plug_in_is_refused(
    session: Session, tmp_path: Path, make_picture: PictureMaker, make_bundle: BundleMaker
) -> None:
    models.publish(session.home, make_bundle(plugin="test.echo", seed=5), "other")
    with session, pytest.raises(UserError, match="belongs to the plug-in"):
        analyse(session, [make_picture(tmp_path / "eye.png")], Options("test.trouble", model="other"), tmp_path / "out")


def test_a_damaged_model_is_refused(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    (models.find(session.home, "sample").folder / "weights.txt").write_text("changed")
    with session, pytest.raises(DataError, match="missing or was changed"):
        analyse(session, [make_picture(tmp_path / "eye.png")], OPTIONS, tmp_path / "out")


def test_what_does_not_suit_the_plug_in_is_said_with_the_reason(
    session: Session, tmp_path: Path, make_picture: PictureMaker
) -> None:
    Pillow.new("L", (32, 32)).save(tmp_path / "grey.png")
    with session, pytest.raises(DataError, match="takes colour pictures") as caught:
        analyse(session, [tmp_path / "grey.png"], OPTIONS, tmp_path / "out")
    assert caught.value.subject == "grey.png"
    Pillow.new("RGB", (4, 4)).save(tmp_path / "small.png")
    with session, pytest.raises(DataError, match="needs 8"):
        analyse(session, [tmp_path / "small.png"], OPTIONS, tmp_path / "out")


def test_stopping_ends_with_the_code_for_it(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    session.cancelled.set()
    with session, pytest.raises(UserError) as caught:
        analyse(session, [make_picture(tmp_path / "eye.png")], OPTIONS, tmp_path / "out")
    assert caught.value.code == jobs.CANCELLED
    assert not (tmp_path / "out").exists()


def test_rerun_finds_the_input_and_the_model_and_gives_the_same(
    session: Session, tmp_path: Path, make_picture: PictureMaker, make_bundle: BundleMaker
) -> None:
    picture = make_picture(tmp_path / "eye.png")
    with session:
        analyse(session, [picture], OPTIONS, tmp_path / "out")
        models.publish(session.home, make_bundle(plugin="test.trouble", seed=7), "newer")
        shutil.move(tmp_path / "out", tmp_path / "elsewhere")
        assert rerun(session, tmp_path / "elsewhere").differences == ()


def test_rerun_says_what_differs(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    with session:
        analyse(session, [make_picture(tmp_path / "eye.png", value=204)], OPTIONS, tmp_path / "out")
        file = tmp_path / "out" / "result.json"
        content = json.loads(file.read_text())
        content["findings"][0]["probability"] = 0.9
        file.write_text(json.dumps(content))
        again = rerun(session, tmp_path / "out", [tmp_path / "eye.png"])
    assert any("0.9" in line and "bright" in line for line in again.differences)


def test_rerun_refuses_other_pixels(session: Session, tmp_path: Path, make_picture: PictureMaker) -> None:
    picture = make_picture(tmp_path / "eye.png", seed=1)
    with session:
        analyse(session, [picture], OPTIONS, tmp_path / "out")
        make_picture(picture, seed=2)
        with pytest.raises(DataError, match="none of the images there has the pixels"):
            rerun(session, tmp_path / "out")


def test_rerun_of_a_result_from_elsewhere_asks_for_the_input(
    session: Session, tmp_path: Path, make_picture: PictureMaker
) -> None:
    with session:
        analyse(session, [make_picture(tmp_path / "eye.png")], OPTIONS, tmp_path / "out")
        file = tmp_path / "out" / "result.json"
        file.write_text(file.read_text() + "\n")
        with pytest.raises(UserError, match="does not know from which files") as caught:
            rerun(session, tmp_path / "out")
    assert "--input" in caught.value.hint

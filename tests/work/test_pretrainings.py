from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Pillow

from medtransfer.errors import DataError, EnvironmentFailure, UserError
from medtransfer.store.home import Home
from medtransfer.store.lock import exclusive
from medtransfer.work import encoders, learn, learners, planning, pretrainings, trainings
from medtransfer.work.planning import Wish
from medtransfer.work.pretrain import PretrainWish, pretrain
from medtransfer.work.session import Session
from tests.conftest import PictureMaker, TableMaker


@pytest.fixture
def images(tmp_path: Path, make_picture: PictureMaker) -> Path:
    for number in range(6):
        make_picture(tmp_path / "images" / f"{number}.png", seed=number)
    return tmp_path / "images"


@pytest.fixture
def session(home: Home) -> Session:
    return Session(Home(home.root).prepare())


def test_plug_ins_that_learn_without_answers_are_told_apart(home: Home) -> None:
    found = {entry.id for entry in learners.pretrainers(home)}
    assert {"test.trouble", "medtransfer.thorax-mae"} <= found
    assert "test.echo" not in found
    assert found < {entry.id for entry in learners.learners(home)}


def test_from_images_to_an_encoder_that_a_training_starts_from(
    session: Session, images: Path, tmp_path: Path, make_table: TableMaker
) -> None:
    begun = pretrainings.begin(session.home, PretrainWish("test.trouble", images, "quick", "ours"))
    assert pretrainings.find(session.home, begun.id) == begun
    assert begun.state == "unfinished"
    assert pretrainings.pretrained_in(begun.folder) is None
    watched: list[list[str]] = []
    with session:
        pretrain(session, begun.wish, begun.folder, lambda place: watched.append([place.name, str(place.exists())]))
    assert watched == [["reconstructions", "False"]]
    (done,) = pretrainings.list_pretrainings(session.home)
    assert done == replace(begun, state="done")
    made = pretrainings.pretrained_in(done.folder)
    assert made is not None
    assert len(list(made.reconstructions.glob("*.png"))) == 8
    with Pillow.open(max(made.reconstructions.glob("*.png"))) as sheet:
        assert sheet.size == (48, 32)
    assert [entry.id for entry in pretrainings.encoders(session.home, "test.trouble")] == [begun.id]
    assert pretrainings.encoders(session.home, "test.echo") == []
    wish = Wish("test.trouble", make_table(tmp_path / "cohort"), parent=str(done.folder))
    entry, _ = planning.learner(session.home, "test.trouble")
    assert encoders.encoder_in(done.folder, entry) is not None
    training = trainings.begin(session.home, wish)
    assert trainings.find(session.home, training.id).wish.parent == str(done.folder)


def test_a_damaged_encoder_is_listed_as_damaged_and_can_be_removed(session: Session, images: Path) -> None:
    begun = pretrainings.begin(session.home, PretrainWish("test.trouble", images))
    with session:
        pretrain(session, begun.wish, begun.folder)
    (begun.folder / "model" / "model.json").write_text("{", encoding="utf-8")
    assert pretrainings.find(session.home, begun.id).state == "damaged"
    assert pretrainings.encoders(session.home, "test.trouble") == []
    with exclusive(begun.folder / learn.LOCK, "a training"), pytest.raises(EnvironmentFailure):
        pretrainings.remove(begun)
    pretrainings.remove(begun)
    assert not begun.folder.exists()
    with pytest.raises(DataError, match="no such pretraining"):
        pretrainings.find(session.home, begun.id)


def test_a_plug_in_that_cannot_pretrain_is_refused(session: Session, images: Path, tmp_path: Path) -> None:
    with session, pytest.raises(UserError) as caught:
        pretrain(session, PretrainWish("test.echo", images), tmp_path / "out")
    assert caught.value.code == "plugin.verb"

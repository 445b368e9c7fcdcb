"""The pretrainings that a person began in the window: each in a folder of the store, to resume or to train from."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from medtransfer.contract import requests
from medtransfer.contract.bundle import ModelBundle
from medtransfer.errors import DataError, MedTransferError
from medtransfer.result.model import Record
from medtransfer.store.files import write_text
from medtransfer.store.home import Home
from medtransfer.store.lock import exclusive
from medtransfer.work import learn
from medtransfer.work.encoders import MODEL, OUTCOME
from medtransfer.work.pretrain import Pretrained, PretrainWish

FILE = "wish.json"
State = Literal["unfinished", "done", "damaged"]


class _Begun(Record):
    """The file ``wish.json``: what was asked for, and when."""

    plugin: str
    data: str
    recipe: str
    name: str
    created: str


@dataclass(frozen=True)
class Pretraining:
    """One pretraining. Its folder is what a training starts from once it is done."""

    folder: Path
    wish: PretrainWish
    created: str
    state: State

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.folder.name


def root(home: Home) -> Path:
    """Return the folder of all pretrainings."""
    return home.root / "pretrainings"


def begin(home: Home, wish: PretrainWish) -> Pretraining:
    """Make the folder of a new pretraining; nothing is learnt yet."""
    folder = root(home) / uuid.uuid4().hex[:12]
    folder.mkdir(mode=0o700, parents=True)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    begun = _Begun(plugin=wish.plugin, data=str(wish.data), recipe=wish.recipe, name=wish.name, created=created)
    write_text(folder / FILE, begun.model_dump_json())
    return Pretraining(folder, wish, created, "unfinished")


def find(home: Home, pretraining_id: str) -> Pretraining:
    """Return a pretraining by its id.

    Raises
    ------
    DataError
        When there is none.
    """
    found = next((entry for entry in list_pretrainings(home) if entry.id == pretraining_id), None)
    if found is None:
        raise DataError("there is no such pretraining", code="pretraining.unknown", hint="Start a new one.")
    return found


def list_pretrainings(home: Home) -> list[Pretraining]:
    """Return every pretraining, the latest first."""
    found = [_read(file.parent) for file in root(home).glob(f"*/{FILE}")]
    return sorted((entry for entry in found if entry), key=lambda entry: (entry.created, entry.id), reverse=True)


def encoders(home: Home, plugin_id: str) -> list[Pretraining]:
    """Return the pretrainings from which trainings of a plug-in can start, the latest first."""
    return [entry for entry in list_pretrainings(home) if entry.state == "done" and entry.wish.plugin == plugin_id]


def pretrained_in(folder: Path) -> Pretrained | None:
    """Return what a pretraining left in its folder; None when it has not ended.

    Raises
    ------
    DataError
        When the encoder is damaged.
    """
    if not (folder / OUTCOME).is_file():
        return None
    return Pretrained(ModelBundle.open(folder / MODEL), folder / requests.RECONSTRUCTIONS, ())


def remove(pretraining: Pretraining) -> None:
    """Delete a pretraining's folder; models that started from it stay.

    Raises
    ------
    EnvironmentFailure
        While it runs.
    """
    with exclusive(pretraining.folder / learn.LOCK, "a training"):
        (pretraining.folder / FILE).unlink(missing_ok=True)
    shutil.rmtree(pretraining.folder, ignore_errors=True)


def _read(folder: Path) -> Pretraining | None:
    try:
        begun = _Begun.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    wish = PretrainWish(begun.plugin, Path(begun.data), begun.recipe, begun.name)
    try:
        state: State = "done" if pretrained_in(folder) else "unfinished"
    except MedTransferError:
        state = "damaged"
    return Pretraining(folder, wish, begun.created, state)

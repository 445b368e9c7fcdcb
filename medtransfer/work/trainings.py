"""The trainings that a person began in the window: each in a folder of the store, to resume, look at or publish."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from medtransfer.errors import DataError, MedTransferError
from medtransfer.result.model import Record
from medtransfer.store.files import write_text
from medtransfer.store.home import Home
from medtransfer.store.lock import exclusive
from medtransfer.work import learn
from medtransfer.work.planning import Wish

FILE = "wish.json"
State = Literal["unfinished", "trained", "published", "damaged"]


class _Begun(Record):
    """The file ``wish.json``: what was asked for, and when."""

    plugin: str
    data: str
    recipe: str
    name: str
    created: str
    labels: list[str] = []
    parent: str = ""
    settings: dict[str, str | int | float | bool] = {}


@dataclass(frozen=True)
class Training:
    """One training. ``model`` is the reference that it was published under, empty before."""

    folder: Path
    wish: Wish
    created: str
    state: State
    model: str = ""

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.folder.name


def root(home: Home) -> Path:
    """Return the folder of all trainings."""
    return home.root / "trainings"


def begin(home: Home, wish: Wish) -> Training:
    """Make the folder of a new training; nothing is trained yet."""
    folder = root(home) / uuid.uuid4().hex[:12]
    folder.mkdir(mode=0o700, parents=True)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    begun = _Begun(
        plugin=wish.plugin,
        data=str(wish.data),
        recipe=wish.recipe,
        name=wish.name,
        created=created,
        labels=list(wish.labels),
        parent=wish.parent,
        settings=dict(wish.settings),
    )
    write_text(folder / FILE, begun.model_dump_json())
    return Training(folder, wish, created, "unfinished")


def find(home: Home, training_id: str) -> Training:
    """Return a training by its id.

    Raises
    ------
    DataError
        When there is none.
    """
    training = next((entry for entry in list_trainings(home) if entry.id == training_id), None)
    if training is None:
        raise DataError("there is no such training", code="training.unknown", hint="Start a new one.")
    return training


def list_trainings(home: Home) -> list[Training]:
    """Return every training, the latest first."""
    found = [_read(file.parent) for file in root(home).glob(f"*/{FILE}")]
    return sorted((entry for entry in found if entry), key=lambda entry: (entry.created, entry.id), reverse=True)


def remove(training: Training) -> None:
    """Delete a training's folder; a model that was published from it stays.

    Raises
    ------
    EnvironmentFailure
        While it runs.
    """
    with exclusive(training.folder / learn.LOCK, "a training"):
        (training.folder / FILE).unlink(missing_ok=True)
    shutil.rmtree(training.folder, ignore_errors=True)


def _read(folder: Path) -> Training | None:
    try:
        begun = _Begun.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    labels = tuple(begun.labels)
    wish = Wish(begun.plugin, Path(begun.data), begun.recipe, begun.name, labels, begun.parent, begun.settings)
    try:
        ended = learn.outcome(folder)
    except MedTransferError:
        return Training(folder, wish, begun.created, "damaged")
    if ended is None:
        return Training(folder, wish, begun.created, "unfinished")
    return Training(folder, wish, begun.created, "published" if ended.model else "trained", ended.model)

"""The settings that everything in an output folder was made with, so that a run that goes on does not mix two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from medtransfer.errors import UserError
from medtransfer.store.files import write_text


def require(path: Path, settings: Mapping[str, object], otherwise: UserError) -> None:
    """Write down the settings of a new folder; for one that has some, compare them.

    Parameters
    ----------
    path
        Where the folder keeps them.
    settings
        What JSON can hold.
    otherwise
        Raised when the folder was made with others.

    Raises
    ------
    UserError
        ``otherwise``.
    EnvironmentFailure
        When the disk is full.
    """
    if not path.exists():
        write_text(path, json.dumps(settings, indent=1))
    elif json.loads(path.read_text(encoding="utf-8")) != settings:
        raise otherwise

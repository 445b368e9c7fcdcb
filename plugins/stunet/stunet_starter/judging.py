"""How good the stored starter is, measured through the application as a person would use it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer.result.reading import read
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.session import Session

PLUGIN = "medtransfer.stunet"


def segmented(volume: Path) -> tuple[NDArray[np.unsignedinteger], Mapping[str, int]]:
    """Return what the installed starter makes of a CT: ``(z, y, x)``, and the structures' numbers."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with Session(Home.locate(folder / "home").prepare(), lambda *_: None) as session:
            options = Options(PLUGIN, model="starter", explain=(), formats=("json",), modality="CT")
            analyse(session, [volume], options, folder / "result")
        found = read(folder / "result").segmentation
    if found is None:
        raise ValueError("the starter made no segmentation")
    return found.array, {structure.label: structure.value for structure in found.structures}


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the Dice coefficient of two masks, in [0, 1]; not a number when both are empty."""
    both = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / both if both else float("nan")

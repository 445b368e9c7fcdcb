"""The starter that comes with the plug-in: small, honest on its card, and doing here what it did when it was made."""

from __future__ import annotations

from pathlib import Path

import medtransfer_stunet
from medtransfer_stunet.structures import classes

from medtransfer.contract.bundle import ModelBundle
from medtransfer.hosting import catalogue
from medtransfer.store.home import Home
from medtransfer.work.plugins import run_golden_case
from medtransfer.work.session import Session

STARTER = Path(medtransfer_stunet.__file__).parent / "starter"


def test_the_starter_says_how_little_it_knows() -> None:
    bundle = ModelBundle.open(STARTER)
    bundle.verify()
    assert sum(file.stat().st_size for file in STARTER.iterdir()) < 32 * 10**6
    card = bundle.card
    assert (card.data.cases, card.data.patients) == (1, 1)
    assert "not by a person" in card.data.description
    own, other = card.notes
    assert "A fit, not a test." in own
    assert other.startswith("Dice on the chest CT of another patient")
    listed = {structure.id: structure.colour for structure in classes("totalsegmentator-104")}
    assert {label.id: label.colour for label in card.labels}.items() <= listed.items()


def test_the_starter_segments_its_ct_as_it_did_when_it_was_made(tmp_path: Path) -> None:
    home = Home.locate(tmp_path / "home").prepare()
    run_golden_case(Session(home), catalogue.get(home.root, "medtransfer.stunet"))

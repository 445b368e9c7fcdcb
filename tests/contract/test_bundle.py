"""A bundle's card is validated when it is opened, and one number vouches for every byte."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from medtransfer.contract.bundle import BUNDLE_FORMAT, CARD, ModelBundle, file_sha256
from medtransfer.errors import DataError

STARTER = Path(__file__).resolve().parents[2] / "plugins" / "fundus_trio" / "medtransfer_fundus_trio" / "starter"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STARTER, tmp_path / "bundle"))


def edited(bundle: Path, **values: object) -> Path:
    card = json.loads((bundle / CARD).read_text(encoding="utf-8"))
    (bundle / CARD).write_text(json.dumps({**card, **values}), encoding="utf-8")
    return bundle


def code_of(bundle: Path) -> str:
    with pytest.raises(DataError) as caught:
        ModelBundle.open(bundle).verify()
    return caught.value.code


def test_the_starter_vouches_for_itself_and_says_what_it_learnt_from() -> None:
    opened = ModelBundle.open(STARTER)
    opened.verify()
    assert opened.sha256 == file_sha256(STARTER / CARD)
    data = opened.card.data
    assert data.train + data.validation + data.test == data.cases == 408
    assert "CC BY 4.0" in data.licence
    assert not data.synthetic
    assert {label.id for label in opened.card.labels} == {"dr", "dr_referable", "dme"}
    assert opened.card.evaluation is not None
    assert {entry.model for entry in opened.card.evaluation.models} == {"tuned", "untuned", "trivial"}


def test_a_folder_without_a_card_is_no_bundle(tmp_path: Path) -> None:
    assert code_of(tmp_path) == "bundle.missing"


def test_a_card_of_a_newer_format_is_refused(bundle: Path) -> None:
    assert code_of(edited(bundle, format=BUNDLE_FORMAT + 1)) == "bundle.newer"


@pytest.mark.parametrize("values", [{"strange": 1}, {"labels": "dr"}, {"seed": None}])
def test_a_card_that_cannot_be_is_refused(bundle: Path, values: dict[str, object]) -> None:
    assert code_of(edited(bundle, **values)) == "bundle.invalid"


def test_a_changed_byte_and_a_missing_file_are_noticed(bundle: Path) -> None:
    file = bundle / "trunk.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    assert code_of(bundle) == "bundle.damaged"
    file.unlink()
    assert code_of(bundle) == "bundle.damaged"


def test_a_file_outside_of_the_bundle_is_never_vouched_for(bundle: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"x")
    assert code_of(edited(bundle, files={"../outside": file_sha256(outside)})) == "bundle.damaged"


def test_changing_the_card_changes_the_address(bundle: Path) -> None:
    before = ModelBundle.open(bundle).sha256
    assert ModelBundle.open(edited(bundle, name="other")).sha256 != before

"""The classes against the spec, pydicom's dictionary of codes, and a real segmentation."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medtransfer_stunet.structures import classes, renumbered, totalsegmentator_v2
from pydicom.sr import _concepts_dict as dictionary

from medtransfer import study
from medtransfer.contract.labels import LabelSpec

ALL = classes("totalsegmentator-104")


def test_they_are_104_in_alphabetical_order() -> None:
    assert [structure.value for structure in ALL] == list(range(1, 105))
    ids = [structure.id for structure in ALL]
    assert all(one < other for one, other in pairwise(ids))
    assert len({structure.name for structure in ALL}) == len({structure.colour for structure in ALL}) == 104


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, "aorta"),
        (12, "face"),
        (40, "liver"),
        (50, "rib_left_10"),
        (53, "rib_left_2"),
        (72, "rib_right_9"),
        (77, "spleen"),
        (81, "vertebrae_c1"),
        (92, "vertebrae_l5"),
        (94, "vertebrae_t10"),
        (104, "vertebrae_t9"),
    ],
)
def test_numbers_are_those_of_the_weights(value: int, expected: str) -> None:
    assert ALL[value - 1].id == expected


def test_every_class_can_be_a_label() -> None:
    for structure in ALL:
        LabelSpec(id=structure.id, name=structure.name, code=structure.code)
        assert re.fullmatch(r"#[0-9a-f]{6}", structure.colour)


def test_codes_mean_what_dicom_says_where_it_lists_them() -> None:
    concepts: Any = dictionary.concepts["SCT"]  # keyword -> code -> (meaning, context groups)
    meanings = {code: text for concept in concepts.values() for code, (text, _) in concept.items()}
    listed = [structure for structure in ALL if structure.code in meanings]
    assert len(listed) >= 60
    for structure in listed:
        official = set(re.findall(r"[a-z0-9]+", meanings[structure.code].lower()))
        own = set(re.findall(r"[a-z0-9]+", structure.code_meaning.lower())) - {"gland", "heart", "of"}
        assert all(any(word[:4] in other for other in official) for word in own), structure


def test_sides_are_in_the_code_and_in_the_name() -> None:
    for structure in ALL:
        assert (structure.side_code, structure.side_meaning) in {("7771000", "Left"), ("24028007", "Right"), ("", "")}
        for side in ("left", "right"):
            assert (side in structure.id.split("_")) == (side in structure.name.lower().split())
        if structure.side_meaning:
            assert structure.side_meaning.lower() in structure.id


def test_the_order_of_abdomen_atlas() -> None:
    own = classes("abdomenatlas-9")
    ids = "aorta gallbladder inferior_vena_cava kidney_left liver pancreas kidney_right spleen stomach"
    assert " ".join(structure.id for structure in own) == ids
    assert [structure.value for structure in own] == list(range(1, 10))
    assert own[4].code == ALL[39].code


def test_numbers_of_totalsegmentator_go_over_by_name() -> None:
    numbers = totalsegmentator_v2()
    assert len(numbers) == 97
    assert numbers[1] == 77
    assert numbers[5] == 40
    assert 51 not in numbers
    assert {structure.id for structure in ALL if structure.value not in numbers.values()} == {
        *("face", "heart_atrium_left", "heart_atrium_right", "heart_myocardium"),
        *("heart_ventricle_left", "heart_ventricle_right", "pulmonary_artery"),
    }


def test_a_real_segmentation_is_renumbered(data_folder: Path) -> None:
    labels = study.open(data_folder / "ct" / "ct_a_seg.nii.gz")[0].series[0].image().array.astype(np.uint8)
    own = renumbered(labels, totalsegmentator_v2())
    assert np.array_equal(own == 40, labels == 5)
    assert np.array_equal(own == 3, labels == 52)
    assert not own[labels == 51].any()


def test_an_empty_label_map_stays_empty() -> None:
    assert not renumbered(np.zeros((2, 2), dtype=np.int32), {}).any()

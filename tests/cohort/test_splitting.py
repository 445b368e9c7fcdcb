from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.cohort import read
from medtransfer.cohort.model import PARTITIONS, Case, Cohort, Partition
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.errors import DataError, UserError
from tests.cohort.tables import case, cohort

LABELS = ("dr", "dme", "rare")


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """Ten to 40 patients with one or two cases each, labels known or not."""
    values = st.sampled_from([0, 1, None])
    patients = draw(st.lists(st.integers(1, 2), min_size=10, max_size=40))
    owners = [f"p{patient}" for patient, cases in enumerate(patients) for _ in range(cases)]
    return cohort(
        [case(number, owner, {label: draw(values) for label in LABELS}) for number, owner in enumerate(owners)]
    )


def made(content: Cohort, seed: int = 1, previous: FrozenSplit | None = None) -> FrozenSplit:
    return FrozenSplit.make(content, 0.2, 0.2, seed, previous)


def partitions_of_patients(content: Cohort, split: FrozenSplit) -> dict[str, set[Partition]]:
    found: dict[str, set[Partition]] = defaultdict(set)
    for entry in content.cases:
        found[entry.patient].add(split.partitions[entry.key])
    return found


def leak(split: FrozenSplit, content: Cohort) -> DataError:
    with pytest.raises(DataError) as caught:
        split.verify(content)
    assert caught.value.code == "split.leak"
    return caught.value


@given(cohorts(), st.integers(0, 2**31 - 1))
def test_no_patient_straddles_and_every_case_is_assigned(content: Cohort, seed: int) -> None:
    split = made(content, seed)
    assert set(split.partitions) == {entry.key for entry in content.cases}
    assert all(len(found) == 1 for found in partitions_of_patients(content, split).values())
    assert set(split.partitions.values()) == set(PARTITIONS)
    split.verify(content)


@given(cohorts(), st.randoms(use_true_random=False))
def test_split_depends_on_the_seed_but_not_on_the_order(content: Cohort, random: object) -> None:
    shuffled = list(content.cases)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' Random has no public type
    assert made(replace(content, cases=tuple(shuffled))) == made(content)


def test_another_seed_gives_another_split() -> None:
    content = cohort([case(i, f"p{i}", {"dr": i % 2}) for i in range(40)])
    assert len({made(content, seed).sha256 for seed in range(5)}) == 5


def test_every_label_keeps_its_prevalence() -> None:
    rng = np.random.default_rng(7)
    cases: list[Case] = []
    for patient in range(300):
        sick = bool(rng.random() < 0.4)
        for _ in range(int(rng.integers(1, 4))):
            labels: dict[str, int | None] = {
                "dr": int(sick),
                "dme": int(sick and rng.random() < 0.5),
                "rare": int(rng.random() < 0.05),
            }
            cases.append(case(len(cases), f"p{patient}", labels))
    content = cohort(cases)
    split = made(content)
    for partition, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        inside = [entry for entry in cases if split.partitions[entry.key] == partition]
        assert abs(len(inside) / len(cases) - share) < 0.02
        for label in LABELS:
            whole = np.mean([entry.labels[label] or 0 for entry in cases])
            assert abs(np.mean([entry.labels[label] or 0 for entry in inside]) - whole) < 0.02


def test_few_positive_patients_reach_every_partition() -> None:
    content = cohort([case(i, f"p{i}", {"dr": int(i < 6)}) for i in range(60)])
    split = made(content)
    found = [split.partitions[entry.key] for entry in content.cases if entry.labels["dr"]]
    assert sorted(found) == ["test", "test", "train", "train", "validation", "validation"]


@pytest.mark.parametrize("seed", range(20))
def test_both_eyes_of_few_patients_reach_every_partition(seed: int) -> None:
    """Seven of 40 patients have it in both eyes: 14 cases, of which a fifth are fewer than two patients have."""
    rows = [(eye, patient, int(patient < 7), int(patient % 3 == 0)) for patient in range(40) for eye in "RL"]
    content = cohort(
        [case(n, f"p{patient}", {"rare": rare, "dr": dr}) for n, (_, patient, rare, dr) in enumerate(rows)]
    )
    split = made(content, seed)
    found = partitions_of_patients(content, split)
    for partition in PARTITIONS:
        inside = {
            entry.patient for entry in content.cases if entry.labels["rare"] and found[entry.patient] == {partition}
        }
        assert len(inside) >= 2, partition


def test_retraining_keeps_every_known_patient(tmp_path: Path) -> None:
    old = cohort([case(i, f"p{i // 2}", {"dr": i % 4 // 2}) for i in range(60)])
    first = made(old)
    first.save(tmp_path / "split.json")
    new = cohort([*old.cases, *(case(100 + i, f"p{i}", {"dr": 1}) for i in range(50))])
    second = made(new, seed=99, previous=FrozenSplit.load(tmp_path / "split.json"))
    assert {key: second.partitions[key] for key in first.partitions} == first.partitions
    second.verify(new)


def test_earlier_split_that_now_leaks_is_refused() -> None:
    content = cohort([case(i, f"p{i}", {"dr": i % 2}) for i in range(20)])
    first = made(content)
    of = {name: next(e for e in content.cases if first.partitions[e.key] == name) for name in PARTITIONS}
    joined = [replace(e, patient="same") if e in (of["train"], of["test"]) else e for e in content.cases]
    with pytest.raises(DataError, match="the earlier split has cases of one patient in test and train") as error:
        made(cohort(joined), previous=first)
    assert str(of["test"].row) in error.value.hint


def test_splits_of_the_table_are_taken() -> None:
    given_splits: list[Partition] = ["train", "train", "validation", "test"] * 5
    content = cohort([case(i, f"p{i}", {"dr": i % 3 % 2}, given) for i, given in enumerate(given_splits)])
    split = made(content)
    assert all(split.partitions[entry.key] == entry.split for entry in content.cases)


def test_test_set_of_the_table_is_never_trained_on_nor_grown() -> None:
    cases = [case(i, f"p{i}", {"dr": i % 2}, "test" if i < 10 else "train") for i in range(50)]
    split = made(cohort(cases))
    inside = {name: {k for k, found in split.partitions.items() if found == name} for name in PARTITIONS}
    assert inside["test"] == {entry.key for entry in cases[:10]}
    assert len(inside["validation"]) == 10, "a quarter of what is left, as 0.2 is to 0.6"


def test_patient_in_two_given_splits_is_refused_with_its_rows() -> None:
    cases = [case(i, f"p{i}", {"dr": i % 2}) for i in range(12)]
    cases[3] = replace(cases[3], patient="x", split="train")
    cases[7] = replace(cases[7], patient="x", split="test")
    with pytest.raises(DataError) as error:
        made(cohort(cases))
    assert error.value.code == "split.leak"
    assert "lines 5, 9" in error.value.hint
    assert "x" not in error.value.message.split()


def test_table_cannot_move_a_patient_out_of_the_test_set() -> None:
    cases = [case(i, f"p{i}", {"dr": i % 2}) for i in range(20)]
    first = made(cohort(cases))
    tested = next(i for i, entry in enumerate(cases) if first.partitions[entry.key] == "test")
    cases[tested] = replace(cases[tested], split="train")
    with pytest.raises(DataError) as error:
        made(cohort(cases), previous=first)
    assert error.value.code == "split.moved"


def test_planted_leak_is_refused() -> None:
    content = cohort([case(i, f"p{i // 2}", {"dr": i // 2 % 2}) for i in range(40)])
    split = made(content)
    victim = next(entry for entry in content.cases if split.partitions[entry.key] == "train")
    planted = split.model_copy(update={"partitions": {**split.partitions, victim.key: "test"}})
    error = leak(planted, content)
    assert str(victim.row) in error.hint
    assert victim.patient not in error.message + error.hint


def test_one_image_under_two_patients_is_a_leak() -> None:
    content = cohort([case(i, f"p{i}", {"dr": i % 2}) for i in range(10)])
    split = made(content)
    twin = replace(content.cases[4], patient="someone else", row=99)
    leak(split, replace(content, cases=(*content.cases, twin)))


def test_case_that_the_split_does_not_know_is_refused() -> None:
    content = cohort([case(i, f"p{i}", {"dr": i % 2}) for i in range(10)])
    split = made(content)
    with pytest.raises(DataError, match="1 case of the table not in the split") as error:
        split.verify(cohort([*content.cases, case(50, "new", {"dr": 0})]))
    assert "line 52" in error.value.hint


def test_too_few_patients_and_impossible_shares() -> None:
    two = cohort([case(i, f"p{i % 2}", {"dr": i % 2}) for i in range(10)])
    with pytest.raises(DataError, match="too few patients"):
        made(two)
    with pytest.raises(UserError, match="leave something to train on"):
        FrozenSplit.make(two, 0.5, 0.5, 1)


def test_file_names_no_patient_and_is_read_back(tmp_path: Path) -> None:
    content = cohort([case(i, f"Erika Mustermann {i}", {"dr": i % 2}) for i in range(10)])
    split = made(content)
    split.save(tmp_path / "split.json")
    text = (tmp_path / "split.json").read_text(encoding="utf-8")
    assert "Mustermann" not in text
    assert set(json.loads(text)) == {"format", "fingerprint", "seed", "validation_share", "test_share", "partitions"}
    assert FrozenSplit.load(tmp_path / "split.json") == split
    assert FrozenSplit.load(tmp_path / "split.json").sha256 == split.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]


@pytest.mark.parametrize("change", [b"", b"{}", b'{"format": 9}', b"\xff\xfe"])
def test_damaged_file(tmp_path: Path, change: bytes) -> None:
    (tmp_path / "split.json").write_bytes(change)
    with pytest.raises(DataError) as error:
        FrozenSplit.load(tmp_path / "split.json")
    assert error.value.code == "split.damaged"


def test_newer_file(tmp_path: Path) -> None:
    split = made(cohort([case(i, f"p{i}", {"dr": i % 2}) for i in range(10)]))
    split.model_copy(update={"format": 2}).save(tmp_path / "split.json")
    with pytest.raises(DataError, match="format 2"):
        FrozenSplit.load(tmp_path / "split.json")


def test_real_cohort_is_split_evenly(data_folder: Path) -> None:
    content = read(data_folder / "fundus" / "idrid")
    split = FrozenSplit.make(content, 0.2, 0.2, 2026)
    split.verify(content)
    for label in content.labels:
        shares = []
        for partition in PARTITIONS:
            known = [e.labels[label] for e in content.cases if split.partitions[e.key] == partition]
            shares.append(sum(value or 0 for value in known) / len(known))
        assert max(shares) - min(shares) < 0.03

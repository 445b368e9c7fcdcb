from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from medtransfer.cohort import read
from medtransfer.cohort.checks import inspect, inspect_split
from medtransfer.cohort.model import PARTITIONS, Cohort, Partition, Problem
from tests.cohort.tables import case, cohort, table


def enough(folder: Path, cases: int = 24) -> Cohort:
    """A cohort with nothing wrong."""
    return read(table(folder, [f"img{i}.png,p{i},{i % 2}" for i in range(cases)]))


def by_code(problems: tuple[Problem, ...]) -> dict[str, Problem]:
    return {problem.code: problem for problem in problems}


def test_sound_cohort_has_no_problems(tmp_path: Path) -> None:
    assert inspect(enough(tmp_path)) == ()


def test_progress_counts_every_image(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    inspect(enough(tmp_path), lambda done, total: seen.append((done, total)))
    assert seen == [(i, 24) for i in range(1, 25)]


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"\0" * 20])
def test_unreadable_images_are_listed_by_row(tmp_path: Path, content: bytes) -> None:
    path = table(tmp_path, [f"img{i}.png,p{i},{i % 2}" for i in range(24)])
    (tmp_path / "img5.png").write_bytes(content)
    problems = inspect(read(path))
    assert [(p.code, p.level, p.rows, p.subject) for p in problems] == [
        ("cohort.unreadable", "error", (7,), "img5.png")
    ]


def test_truncated_image_is_unreadable(tmp_path: Path) -> None:
    path = table(tmp_path, [f"img{i}.png,p{i},{i % 2}" for i in range(24)])
    whole = (tmp_path / "img5.png").read_bytes()
    (tmp_path / "img5.png").write_bytes(whole[: len(whole) // 2])
    assert by_code(inspect(read(path)))["cohort.unreadable"].rows == (7,)


@pytest.mark.parametrize(
    ("patient", "label", "code", "level"),
    [
        ("p3", 1, "cohort.duplicates", "info"),
        ("p3", 0, "cohort.contradicting-pixels", "error"),
        ("someone", 1, "cohort.shared-pixels", "error"),
    ],
)
def test_same_pixels_in_another_file(tmp_path: Path, patient: str, label: int, code: str, level: str) -> None:
    rows = [f"img{i}.png,p{i},{i % 2}" for i in range(24)]
    path = table(tmp_path, [*rows, f"again.png,{patient},{label}"])
    pixels = np.asarray(Picture.open(tmp_path / "img3.png"))
    Picture.fromarray(pixels).save(tmp_path / "again.png", compress_level=0)
    (problem,) = inspect(read(path))
    assert (problem.code, problem.level) == (code, level)
    assert set(problem.rows) == {5, 26}


def test_constant_label(tmp_path: Path) -> None:
    path = table(tmp_path, [f"img{i}.png,p{i},0,{i % 2}" for i in range(24)], "image,patient,rare,dr")
    (problem,) = inspect(read(path))
    assert (problem.code, problem.level) == ("label.constant", "error")
    assert "'rare' is absent in every case" in problem.message


@pytest.mark.parametrize(("positive", "code", "level"), [(3, "label.too-few", "error"), (8, "label.few", "warning")])
def test_few_patients_of_a_class(tmp_path: Path, positive: int, code: str, level: str) -> None:
    path = table(tmp_path, [f"img{i}.png,p{i},{int(i < positive)}" for i in range(24)])
    (problem,) = inspect(read(path))
    assert (problem.code, problem.level) == (code, level)
    assert problem.message.startswith(f"{positive} patients with 'dr'")


def test_many_images_of_few_patients_are_few_patients(tmp_path: Path) -> None:
    path = table(tmp_path, [f"img{i}.png,{'same' if i % 2 else f'p{i}'},{i % 2}" for i in range(40)])
    assert by_code(inspect(read(path)))["label.too-few"].message.startswith("1 patient with 'dr'")


def test_patient_in_two_given_splits(tmp_path: Path) -> None:
    rows = [f"img{i}.png,p{i},{i % 2}," for i in range(24)]
    rows[3], rows[9] = "img3.png,x,1,train", "img9.png,x,1,test"
    problem = by_code(inspect(read(table(tmp_path, rows, "image,patient,dr,split"))))["split.leak"]
    assert (problem.level, problem.rows) == ("error", (5, 11))
    assert "x" not in problem.message.split()


def test_synthetic_is_said_and_errors_come_first(tmp_path: Path) -> None:
    path = table(tmp_path, [*(f"img{i}.png,p{i},{i % 2}" for i in range(24)), "gone.png,q,1"])
    (tmp_path / "SYNTHETIC.txt").touch()
    assert [(p.level, p.code) for p in inspect(read(path))] == [
        ("error", "table.image-missing"),
        ("info", "cohort.synthetic"),
    ]


def test_messages_name_neither_patients_nor_paths(tmp_path: Path) -> None:
    rows = [f"img{i}.png,Erika Mustermann {i},{int(i < 3)},{'train' if i % 2 else ''}" for i in range(24)]
    path = table(tmp_path, [*rows, "img0.png,Erika Mustermann 9,0,test"], "image,patient,dr,split")
    (tmp_path / "img7.png").write_bytes(b"")
    problems = inspect(read(path))
    assert len(problems) >= 4
    for problem in problems:
        assert "Mustermann" not in problem.message + problem.hint
        assert str(tmp_path) not in problem.message + problem.hint + problem.subject


def test_split_without_a_class_in_the_test_set() -> None:
    content = cohort([case(i, f"p{i}", {"dr": int(i < 10), "rare": int(i == 0)}) for i in range(20)])
    even: dict[str, Partition] = {e.key: PARTITIONS[i % 3] for i, e in enumerate(content.cases)}
    uneven: dict[str, Partition] = {e.key: "validation" if e.row < 8 else "train" for e in content.cases}
    uneven.update({e.key: "test" for e in content.cases[12:16]})
    assert inspect_split(content, even) == (), "that `rare` is rare is for inspect to say"
    messages = {problem.message for problem in inspect_split(content, uneven) if problem.level == "error"}
    assert "test has 0 patients with 'dr'; at least 2 are needed" in messages
    assert "validation has 0 patients without 'dr'; at least 2 are needed" in messages
    assert not any("train has" in message for message in messages)

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from medtransfer.cohort import exchange, read
from medtransfer.errors import DataError
from tests.cohort.tables import table


def test_worker_gets_the_cohort_that_the_host_read(tmp_path: Path) -> None:
    rows = ["img1.png,a,1,train", "img2.png,b,,", "gone.png,c,0,test"]
    cohort = read(table(tmp_path, rows, "image,patient,Diabetic retinopathy,split"))
    exchange.save(cohort, tmp_path / "cohort.json")
    back = exchange.load(tmp_path / "cohort.json")
    assert asdict(back) == asdict(cohort)
    assert back.problems
    assert back.cases[0].image.is_file()


@pytest.mark.parametrize("content", [b"", b'{"format": 1}', b'{"format": 1, "cohort": {"cases": 3}}'])
def test_damaged_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cohort.json").write_bytes(content)
    with pytest.raises(DataError) as error:
        exchange.load(tmp_path / "cohort.json")
    assert error.value.code == "cohort.damaged"

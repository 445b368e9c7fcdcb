"""Slices that repeat their places: divided by what tells them apart, in order, and named by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medtransfer import study
from medtransfer.study.model import Series
from tests.study.builders import ct_slice, save

MANY = 3


def write(folder: Path, volumes: list[dict[str, Any]]) -> tuple[Series, ...]:
    """Write three slices for each of the volumes, in an order of no meaning; values count the volumes."""
    order = np.random.default_rng(0).permutation(len(volumes) * MANY)
    for name, index in enumerate(order):
        volume, k = divmod(int(index), MANY)
        pixels = np.full((4, 6), 1024 + volume * 10 + k, np.uint16)
        elements = {key: value[k] if isinstance(value, list) else value for key, value in volumes[volume].items()}
        save(ct_slice(pixels, (0, 0, 2 * k), InstanceNumber=int(index), **elements), folder / f"{name}.dcm")
    (entry,) = study.open(folder)
    return entry.series


def assert_in_order(series: tuple[Series, ...], count: int) -> None:
    assert len(series) == count
    for volume, one in enumerate(series):
        np.testing.assert_array_equal(one.image().array[:, 0, 0], volume * 10 + np.arange(MANY))


@pytest.mark.parametrize(
    ("volumes", "names"),
    [
        ([{"TemporalPositionIdentifier": t} for t in (1, 2, 10)], ["time 1", "time 2", "time 10"]),
        ([{"EchoNumbers": e} for e in (1, 2)], ["echo 1", "echo 2"]),
        ([{"EchoNumbers": 1, "EchoTime": t} for t in (4.9, 12.5)], ["echo time 4.9 ms", "echo time 12.5 ms"]),
        ([{"DiffusionBValue": b} for b in (0.0, 50.0, 1000.0)], ["b 0", "b 50", "b 1000"]),
        ([{"ImageType": ["DERIVED\\PRIMARY\\DIXON\\" + kind] * MANY} for kind in ("FAT", "WATER")],
         ["type dixon fat", "type dixon water"]),
        ([{"AcquisitionNumber": a} for a in (3, 4)], ["acquisition 3", "acquisition 4"]),
        ([{"EchoNumbers": e, "TemporalPositionIdentifier": t} for t in (1, 2) for e in (1, 2)],
         ["time 1, echo 1", "time 1, echo 2", "time 2, echo 1", "time 2, echo 2"]),
        ([{"TriggerTime": [t + k for k in range(MANY)]} for t in (0, 40, 80)],
         ["phase 1 of 3", "phase 2 of 3", "phase 3 of 3"]),
        ([{"AcquisitionTime": [f"12000{t}.{k}" for k in range(MANY)]} for t in (1, 5)], ["time 1 of 2", "time 2 of 2"]),
        ([{}, {}], ["repetition 1 of 2", "repetition 2 of 2"]),
    ],
)  # fmt: skip
def test_volumes_at_one_place_are_divided_and_named(
    tmp_path: Path, volumes: list[dict[str, Any]], names: list[str]
) -> None:
    series = write(tmp_path, volumes)
    assert [one.description for one in series] == names
    assert_in_order(series, len(volumes))
    for one, name in zip(series, names, strict=True):
        assert [c.code for c in one.checks] == ["series.split", "volume.one-of-several"]
        assert name in one.checks[1].message


def test_a_scan_that_stopped_keeps_its_last_volume_short(tmp_path: Path) -> None:
    write(tmp_path, [{"TemporalPositionIdentifier": t} for t in (1, 2)])
    last = next(p for p in tmp_path.iterdir() if study.open(p)[0].series[0].image().array[0, 0, 0] == 12)
    last.unlink()
    assert [one.shape[0] for one in study.open(tmp_path)[0].series] == [3, 2]


def test_an_acquisition_time_per_slice_does_not_take_a_volume_apart(tmp_path: Path) -> None:
    (series,) = write(tmp_path, [{"AcquisitionTime": ["120001", "120002", "120003"]}])
    assert series.shape == (3, 4, 6)
    assert series.checks == ()


@settings(max_examples=15, deadline=None)
@given(echoes=st.integers(1, 3), times=st.integers(1, 3))
def test_every_slice_goes_into_exactly_one_volume(
    tmp_path_factory: pytest.TempPathFactory, echoes: int, times: int
) -> None:
    wanted = [{"TemporalPositionIdentifier": t, "EchoNumbers": e} for t in range(times) for e in range(echoes)]
    assert_in_order(write(tmp_path_factory.mktemp("phases"), wanted), echoes * times)

"""The side file of an nnU-Net v1 checkpoint becomes a plan, or is refused with the reason."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medtransfer.contract.plan import Intensities
from medtransfer.contract.weights import VolumeEntry, catalogue_entry
from medtransfer.errors import DataError
from medtransfer.transfer import nnunet_plan
from tests.transfer.plans import published_plans, write_side_file


def test_the_published_plan_is_the_catalogues(tmp_path: Path) -> None:
    side = nnunet_plan.read(write_side_file(tmp_path / "small_ep4k.model.pkl", published_plans()))
    entry = catalogue_entry("stunet-s.totalsegmentator")
    assert isinstance(entry, VolumeEntry)
    assert (side.trainer, side.channels, side.outputs) == ("STUNetTrainer_small", 1, 105)
    assert side.plan == entry.plan


def test_the_full_resolution_and_its_ct_normalisation_are_taken(tmp_path: Path) -> None:
    plans = published_plans()
    coarse = plans["plans_per_stage"][0]
    plans["plans_per_stage"] = {0: coarse, 1: {**coarse, "current_spacing": np.array([2.0, 0.8, 0.8])}}
    plans["normalization_schemes"] = {0: "CT"}
    found = {"mean": np.float64(80.1), "sd": 140.2, "percentile_00_5": -950.0, "percentile_99_5": 700.5, "median": 70.0}
    plans["dataset_properties"] = {"intensityproperties": {0: found}}
    plan = nnunet_plan.read(write_side_file(tmp_path / "x.model.pkl", plans)).plan
    assert plan.spacing == (2.0, 0.8, 0.8)
    assert plan.normalisation == "ct"
    assert plan.intensities == Intensities(mean=80.1, std=140.2, low=-950.0, high=700.5)


def test_it_is_looked_for_where_nnunet_puts_it(tmp_path: Path) -> None:
    checkpoint = tmp_path / "base_ep4k.model"
    assert nnunet_plan.beside(checkpoint) is None
    written = write_side_file(tmp_path / "base_ep4k.model.pkl", published_plans())
    assert nnunet_plan.beside(checkpoint) == written


def turned(plans: dict[str, Any]) -> None:
    plans["transpose_forward"] = [1, 0, 2]


def masked(plans: dict[str, Any]) -> None:
    plans["use_mask_for_norm"] = {0: True}


def unnormalised(plans: dict[str, Any]) -> None:
    plans["normalization_schemes"] = {0: "noNorm"}


def without_stages(plans: dict[str, Any]) -> None:
    del plans["plans_per_stage"]


def with_impossible_spacing(plans: dict[str, Any]) -> None:
    plans["plans_per_stage"][0]["current_spacing"] = np.array([0.0, 1.0, 1.0])


def with_another_container(plans: dict[str, Any]) -> None:
    plans["plans_per_stage"][0]["patch_size"] = 128


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (turned, "plan.unsupported"),
        (masked, "plan.unsupported"),
        (unnormalised, "plan.unsupported"),
        (without_stages, "plan.invalid"),
        (with_impossible_spacing, "plan.invalid"),
        (with_another_container, "plan.invalid"),
    ],
)
def test_other_plans_are_refused(tmp_path: Path, change: Callable[[dict[str, Any]], None], code: str) -> None:
    plans = published_plans()
    change(plans)
    with pytest.raises(DataError) as caught:
        nnunet_plan.read(write_side_file(tmp_path / "x.model.pkl", plans))
    assert caught.value.code == code
    assert caught.value.subject == "x.model.pkl"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (pickle.dumps([1, 2, 3]), "plan.invalid"),
        (pickle.dumps({"plans": Path("x")}), "plan.code"),
        (b"", "plan.damaged"),
        (b"{}", "plan.damaged"),
        (bytes(nnunet_plan.MAXIMUM_BYTES + 1), "plan.too-large"),
    ],
    ids=["list", "code", "empty", "json", "large"],
)
def test_files_that_are_no_plan_are_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "x.model.pkl").write_bytes(content)
    with pytest.raises(DataError) as caught:
        nnunet_plan.read(tmp_path / "x.model.pkl")
    assert caught.value.code == code

"""The side file of an nnU-Net v1 checkpoint, ``NAME.model.pkl``: the plan by which its network was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from medtransfer.contract.plan import Intensities, VolumePlan
from medtransfer.errors import DataError
from medtransfer.transfer import pickled_data

SUFFIX = ".pkl"
MAXIMUM_BYTES = 2**22
"""Largest side file that is read: the published ones take 1.6 kB, one with a long list of cases some hundred."""

_NORMALISATIONS = {"nonCT": "z-score", "CT": "ct"}


@dataclass(frozen=True, slots=True)
class SideFile:
    """What a side file says.

    Attributes
    ----------
    trainer
        Name of the class that trained the network, such as ``STUNetTrainer_small``.
    channels
        Channels of the input.
    outputs
        Classes, the background among them.
    plan
        The plan of the full resolution.
    """

    trainer: str
    channels: int
    outputs: int
    plan: VolumePlan


def beside(checkpoint: Path) -> Path | None:
    """Return the side file of a checkpoint where nnU-Net puts it; None when there is none."""
    path = checkpoint.with_name(checkpoint.name + SUFFIX)
    return path if path.is_file() else None


def read(path: Path) -> SideFile:
    """Read a side file without unpickling it.

    Raises
    ------
    DataError
        ``plan.too-large``; ``plan.code`` when it asks for anything to be called, ``plan.damaged`` when it is no whole
        pickle, ``plan.invalid`` when it is not a plan of nnU-Net v1, ``plan.unsupported`` when medtransfer cannot
        prepare volumes as it asks.
    """
    if path.stat().st_size > MAXIMUM_BYTES:
        raise _refused(path, "plan.too-large", f"takes more than the {MAXIMUM_BYTES >> 20} MiB that are read")
    try:
        content = pickled_data.read(path.read_bytes())
    except pickled_data.NotDataError as error:
        reason = f"was refused: it asks for {error.args[0]}; nothing of it was run"
        raise _refused(path, "plan.code", reason) from error
    except pickled_data.DamagedError as error:
        raise _refused(path, "plan.damaged", "is damaged, or not a pickle") from error
    try:
        return _side_file(content, path)
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as error:
        raise _refused(path, "plan.invalid", "is not a plan of nnU-Net v1") from error


def _side_file(content: Any, path: Path) -> SideFile:
    plans: Mapping[str, Any] = content["plans"]
    stage = plans["plans_per_stage"][max(plans["plans_per_stage"])]  # the last is the full resolution
    if list(plans["transpose_forward"]) != [0, 1, 2]:
        raise _refused(path, "plan.unsupported", "exchanges the axes of the volume, which medtransfer does not do")
    channels = int(plans["num_modalities"])
    schemes = {str(plans["normalization_schemes"][channel]) for channel in range(channels)}
    masked = any(plans["use_mask_for_norm"].values())
    if len(schemes) != 1 or masked or not schemes <= _NORMALISATIONS.keys():
        raise _refused(path, "plan.unsupported", "asks for a normalisation that medtransfer does not have")
    normalisation = _NORMALISATIONS[schemes.pop()]
    plan = VolumePlan.model_validate(
        {
            "spacing": tuple(stage["current_spacing"]),
            "patch": tuple(stage["patch_size"]),
            "pools": tuple(map(tuple, stage["pool_op_kernel_sizes"])),
            "normalisation": normalisation,
            "intensities": _intensities(plans) if normalisation == "ct" else None,
        }
    )
    return SideFile(str(content["name"]), channels, int(plans["num_classes"]) + 1, plan)


def _intensities(plans: Mapping[str, Any]) -> Intensities:
    found = plans["dataset_properties"]["intensityproperties"][0]
    return Intensities(mean=found["mean"], std=found["sd"], low=found["percentile_00_5"], high=found["percentile_99_5"])


def _refused(path: Path, code: str, reason: str) -> DataError:
    return DataError(
        f"the plan beside the checkpoint {reason}",
        code=code,
        hint="Get the side file again from where the checkpoint came from, or move it away to go on without it.",
        subject=path.name,
    )

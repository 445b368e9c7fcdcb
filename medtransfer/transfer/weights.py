"""Read the weights that medtransfer keeps: safetensors and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from medtransfer.contract.plan import VolumePlan
from medtransfer.errors import DataError


def load(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a safetensors file into memory.

    safetensors checks the header against the file before any tensor is made: its length, and that the tensors' bytes
    neither overlap nor leave gaps nor reach beyond the end.

    Returns
    -------
    dict
        Tensors on the CPU by name, in the types in which they were stored.

    Raises
    ------
    DataError
        ``weights.missing`` when there is no such file, ``weights.damaged`` when it is not a whole safetensors file.
    """
    if not path.is_file():
        raise DataError(
            "the weights file does not exist",
            code="weights.missing",
            hint="Import the weights again with `medtransfer model import`.",
            subject=path.name,
        )
    try:
        return safetensors.torch.load_file(path, device="cpu")
    except (safetensors.SafetensorError, KeyError) as error:
        raise DataError(
            "this is not a whole safetensors file",
            code="weights.damaged",
            hint="The file was cut short or changed, or is of another kind: import the original again.",
            subject=path.name,
        ) from error


def plan(path: Path) -> VolumePlan:
    """Return the plan that the conversion wrote beside the weights of a network for volumes.

    Raises
    ------
    DataError
        ``weights.no-plan`` when the file carries none.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return VolumePlan.model_validate_json(json.loads(file.metadata()["medtransfer"])["plan"])
    except (OSError, safetensors.SafetensorError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            "the weights carry no plan for preparing volumes",
            code="weights.no-plan",
            hint="Import the original checkpoint again with `medtransfer model import`.",
            subject=path.name,
        ) from error

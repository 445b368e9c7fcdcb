"""Side files as nnU-Net v1 writes them: the plan of the published STU-Nets, to be varied."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np


def published_plans() -> dict[str, Any]:
    """The entries that matter of the plan of the four TotalSegmentator checkpoints, in the types that nnU-Net keeps."""
    stage = {
        "batch_size": 2,
        "num_pool_per_axis": [4, 4, 5],
        "patch_size": np.array([128, 128, 128]),
        "median_patient_size_in_voxels": np.array([228, 228, 240]),
        "current_spacing": np.array([1.5, 1.5, 1.5]),
        "original_spacing": np.array([1.5, 1.5, 1.5]),
        "do_dummy_2D_data_aug": np.bool_(False),  # noqa: FBT003 - a value, not an argument
        "pool_op_kernel_sizes": [[2, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2], [1, 1, 2]],
        "conv_kernel_sizes": [[3, 3, 3]] * 6,
    }
    return {
        "num_stages": 1,
        "num_modalities": 1,
        "modalities": {0: "nonCT"},
        "normalization_schemes": OrderedDict([(0, "nonCT")]),
        "dataset_properties": {"intensityproperties": None},
        "num_classes": 104,
        "all_classes": list(range(1, 105)),
        "use_mask_for_norm": OrderedDict([(0, False)]),
        "transpose_forward": [np.int64(0), np.int64(1), np.int64(2)],
        "transpose_backward": [np.int64(0), np.int64(1), np.int64(2)],
        "preprocessor_name": "GenericPreprocessor",
        "plans_per_stage": {0: stage},
    }


def write_side_file(path: Path, plans: dict[str, Any], trainer: str = "STUNetTrainer_small") -> Path:
    """Write ``NAME.model.pkl`` as nnU-Net v1 does."""
    content = OrderedDict(init=("", 0, "", "", False, 0, True, False, True), name=trainer, plans=plans)
    path.write_bytes(pickle.dumps(content, 4))
    return path

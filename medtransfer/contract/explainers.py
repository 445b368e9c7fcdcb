"""The ways to explain a classifier's answer by a map, by the names that people choose them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Explainer = Literal["gradcam", "rollout"]

NAMES: Mapping[Explainer, str] = {"gradcam": "Grad-CAM", "rollout": "Attention rollout"}
"""What they are called in results."""

_TRANSFORMERS = ("vit_", "deit_", "deit3_")
"""What timm calls the networks in which every patch attends to every other one."""


def stated(parameters: Mapping[str, object]) -> Explainer:
    """Return the way that a result's passport states in its parameters; the usual one where it states none."""
    return next((explainer for explainer in NAMES if explainer == parameters.get("explainer")), "gradcam")


def of_network(backbone: str) -> tuple[Explainer, ...]:
    """Return the ways that suit a network of timm by its name, the usual one first."""
    return ("gradcam", "rollout") if backbone.startswith(_TRANSFORMERS) else ("gradcam",)

"""Grad-CAM for five answers of one image: medtransfer against the ``grad-cam`` package on the same network.

Run as ``python tests/benchmarks/bench_gradcam.py``. The two take turns, so that both meet the same load; medians are
compared. The package is given its faster way: one batch of five copies of the image, or five calls.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import timm
import torch
from pytorch_grad_cam import grad_cam
from pytorch_grad_cam.utils import model_targets

from medtransfer.inference import gradcam
from medtransfer.inference.layers import target_layer

# The package is untyped.
PeerModule: Any = grad_cam
PeerTargets: Any = model_targets
TARGETS = [0, 1, 2, 3, 4]
ROUNDS = 7
BAR = 0.7


def seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def compare(name: str) -> float:
    """Print the medians for one network and return the ratio."""
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=len(TARGETS)).eval()
    image = torch.randn(1, 3, 224, 224)
    peer = PeerModule.GradCAM(model=network, target_layers=[target_layer(network)])
    answers = [PeerTargets.ClassifierOutputTarget(target) for target in TARGETS]
    tasks: dict[str, Callable[[], object]] = {
        "medtransfer": lambda: gradcam(network, image, TARGETS),
        "grad-cam, five calls": lambda: [peer(image, [answer]) for answer in answers],
        "grad-cam, one batch": lambda: peer(image.repeat(len(TARGETS), 1, 1, 1), answers),
    }
    batch = peer(image.repeat(len(TARGETS), 1, 1, 1), answers)
    assert np.allclose(gradcam(network, image, TARGETS).maps[0], batch, atol=1e-4)
    times: dict[str, list[float]] = {task: [] for task in tasks}
    for _ in range(ROUNDS):
        for task, run in tasks.items():
            times[task].append(seconds(run))
    medians = {task: statistics.median(found) for task, found in times.items()}
    ratio = medians["medtransfer"] / min(value for task, value in medians.items() if task != "medtransfer")
    shown = ", ".join(f"{task} {1000 * value:.0f} ms" for task, value in medians.items())
    print(f"{name}: {shown}; ratio {ratio:.2f} (bar: at most {BAR})")
    return ratio


def main() -> int:
    ratios = [compare(name) for name in ("tf_efficientnet_lite0", "resnet50")]
    return 0 if max(ratios) <= BAR else 1


if __name__ == "__main__":
    raise SystemExit(main())

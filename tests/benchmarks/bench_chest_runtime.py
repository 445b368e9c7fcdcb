"""How long a chest radiograph takes through OpenVINO, against eager torch, and how far the probabilities are apart.

Run as ``python -m tests.benchmarks.bench_chest_runtime [--network vit_small_patch16_mean_224] [--batch 1]``. Both have
the same random weights with fourteen answers and see the same pictures of 224 pixels on as many threads; they take
turns, so that both meet the same load, and medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from medtransfer.inference import runtime
from medtransfer.inference.machine import Precision, cpu_has_bf16
from medtransfer.transfer import backbones

SIDE, FINDINGS = 224, 14
ROUNDS = 15
TIME_BAR, PROBABILITY_BAR = 0.6, 0.005


def main() -> None:
    """Compare eager torch with OpenVINO in float32 and, where the processor has it, in bfloat16."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="vit_small_patch16_mean_224")
    parser.add_argument("--batch", type=int, default=1)
    chosen = parser.parse_args()
    torch.manual_seed(0)
    network = backbones.create(chosen.network, outputs=FINDINGS).eval().requires_grad_(requires_grad=False)
    torch.nn.init.normal_(network.get_submodule(backbones.head_names(network)[0]).get_parameter("weight"), std=0.1)
    pictures = torch.randn(chosen.batch, 3, SIDE, SIDE)
    precisions: tuple[Precision, ...] = ("fp32", "bf16") if cpu_has_bf16() else ("fp32",)
    for precision in precisions:
        compare(network, pictures, precision)


def compare(network: torch.nn.Module, pictures: torch.Tensor, precision: Precision) -> None:
    """Print the ratio of the times and the largest difference of the probabilities."""
    compiled = runtime.compile_network(network, pictures, "cpu", "openvino", precision)
    times: dict[str, list[float]] = {"torch": [], "openvino": []}
    answers: dict[str, torch.Tensor] = {}
    with torch.inference_mode():
        for turn in range(ROUNDS + 1):
            for name, work in (("torch", network), ("openvino", compiled)):
                begun = time.perf_counter()
                answers[name] = work(pictures).sigmoid()
                if turn:  # the first turn warms up
                    times[name].append(time.perf_counter() - begun)
    eager, other = (statistics.median(times[name]) for name in ("torch", "openvino"))
    apart = float((answers["torch"] - answers["openvino"]).abs().max())
    print(
        f"{precision}: eager torch {1000 * eager:.0f} ms, OpenVINO {1000 * other:.0f} ms, ratio {other / eager:.2f} "
        f"(bar {TIME_BAR}); probabilities at most {apart:.5f} apart (bar {PROBABILITY_BAR})"
    )


if __name__ == "__main__":
    main()

"""What OpenVINO on the processor saves over eager torch for the chest plug-in's networks, and whether answers stay.

Run as ``python -m tests.benchmarks.bench_openvino [--rounds 15] [--threads 1]``. A ViT-S/16 at 224 pixels with random
weights, and the starter as an analysis runs it: all its findings and its familiar features in one network. Both
runtimes have the same weights, see the same pictures in float32, and take turns within each round, so that both meet
the same load; the median of the rounds' ratios is compared with the bar. Probabilities are sigmoids of the logits. With
other work on the machine compare on one thread: torch's threads wait for each other, and the ratio flatters OpenVINO.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import medtransfer_thorax_mae
import torch
from torch import Tensor, nn

from medtransfer.contract.bundle import ModelBundle
from medtransfer.inference.runtime import compile_network
from medtransfer.transfer import backbones
from medtransfer.transfer.answering import Joint, detectors

BAR, AGREEMENT = 0.6, 0.005
SIZES = (1, 6)
"""Pictures at once: a first answer, and the views that its uncertainty takes."""
ROUNDS = 15


def vit_small() -> tuple[nn.Module, int, int]:
    """Return a network, the side of its pictures, and how many of its outputs are logits."""
    torch.manual_seed(0)
    network = backbones.create("vit_small_patch16_mean_224", outputs=14)
    nn.init.trunc_normal_(network.get_parameter("head.weight"), std=0.2)  # as drawn, every probability is a half
    return network.eval(), 224, 14


def starter() -> tuple[nn.Module, int, int]:
    """Return the starter of the chest plug-in, likewise."""
    bundle = ModelBundle.open(Path(medtransfer_thorax_mae.__file__).parent / "starter")
    joint = Joint(list(detectors(bundle).values()), bundle.card.for_answers)
    return joint.eval(), bundle.card.for_pictures.size, len(bundle.card.labels)


def compare(name: str, made: tuple[nn.Module, int, int], rounds: int) -> bool:
    """Print time and agreement of both runtimes, and return whether the bars hold."""
    network, side, labels = made
    example = torch.zeros(1, 3, side, side)
    eager, fast = compile_network(network, example), compile_network(network, example, "cpu", "openvino")
    held = True
    for size in SIZES:
        pictures = torch.randn(size, 3, side, side, generator=torch.Generator().manual_seed(size))
        said = [torch.sigmoid(run(pictures)[:, :labels]) for run in (eager, fast)]
        apart = float((said[0] - said[1]).abs().max())
        pairs = [(seconds(eager, pictures), seconds(fast, pictures)) for _ in range(rounds)]
        slow, quick = (1000 * statistics.median(times) / size for times in zip(*pairs, strict=True))
        ratio = statistics.median(fast_time / slow_time for slow_time, fast_time in pairs)
        print(
            f"{name}, {size} at once: torch {slow:.1f} ms, OpenVINO {quick:.1f} ms per picture; "
            f"ratio {ratio:.2f} (bar {BAR}), probabilities within {apart:.5f} (bar {AGREEMENT})"
        )
        held = held and ratio <= BAR and apart <= AGREEMENT
    return held


def seconds(run: Callable[[Tensor], Tensor], pictures: Tensor) -> float:
    begun = time.perf_counter()
    run(pictures)
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    rounds = chosen.rounds
    return 0 if all([compare("ViT-S/16", vit_small(), rounds), compare("starter", starter(), rounds)]) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""What the encoder costs when nine of ten patches are hidden, against a full forward pass of timm's own network.

Run as ``python -m tests.benchmarks.bench_masked_encoder [--network vit_small_patch16_mean_224] [--batch 8]``. Both have
the same weights and see the same pictures of 224 pixels, in float32 without gradients; they take turns, so that both
meet the same load, and medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from medtransfer.transfer import backbones
from medtransfer.transfer.masked_autoencoder import SIZES, MaskedAutoencoder, mask

SIDE, PATCHES = 224, 196
ROUNDS = 7
BAR = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=list(SIZES), default="vit_small_patch16_mean_224")
    parser.add_argument("--batch", type=int, default=8)
    chosen = parser.parse_args()
    compare(chosen.network, chosen.batch)


def compare(name: str, batch: int) -> None:
    """Print milliseconds per picture of both, and their ratio."""
    torch.manual_seed(0)
    masked = MaskedAutoencoder(name, SIDE).eval()
    full = backbones.create(name, outputs=1).eval()
    full.load_state_dict(masked.encoder_tensors(), strict=False)
    pictures = torch.rand(batch, 3, SIDE, SIDE)
    kept = mask(torch.rand(batch, PATCHES), 0.9).kept
    runs: dict[str, Callable[[], object]] = {
        "a tenth of the patches": lambda: masked.encode(pictures, kept),
        "full forward pass": lambda: full(pictures),
    }
    times: dict[str, list[float]] = {run: [] for run in runs}
    with torch.inference_mode():
        for turn in range(ROUNDS + 1):
            for run, work in runs.items():
                begun = time.perf_counter()
                work()
                if turn:  # the first turn warms up
                    times[run].append((time.perf_counter() - begun) / batch)
    few, all_of_them = (statistics.median(values) for values in times.values())
    for run, values in times.items():
        print(f"{run:24} {1000 * statistics.median(values):7.1f} ms per picture")
    verdict = "within" if few / all_of_them <= BAR else "above"
    print(f"ratio {few / all_of_them:.3f}, {verdict} the bar of {BAR}")


if __name__ == "__main__":
    main()

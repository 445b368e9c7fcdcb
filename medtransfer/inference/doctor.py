"""What this machine can do, and proof that each runtime computes the same: JSON on the standard output.

Run as ``python -m medtransfer.inference.doctor`` in the environment where networks run.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import nn

from medtransfer.errors import MedTransferError
from medtransfer.inference.machine import Machine, RuntimeChoice, best_runtime, describe
from medtransfer.inference.runtime import TOLERANCE, agreement, compile_network
from medtransfer.result.model import Record


class RuntimeCheck(Record):
    """One runtime's self-test.

    ``agreement`` is the distance from eager torch in float32 (see :func:`medtransfer.inference.runtime.agreement`),
    ``repeatable`` whether a second run gave the same bits, ``milliseconds`` the time of one batch of the test network.
    ``reason`` says why the test could not run; empty otherwise.
    """

    choice: RuntimeChoice
    ok: bool
    agreement: float | None = None
    tolerance: float
    repeatable: bool = False
    milliseconds: float | None = None
    reason: str = ""


class Diagnosis(Record):
    """The machine, the runtime it would use, and the self-test of every runtime it has."""

    machine: Machine
    best: RuntimeChoice
    checks: tuple[RuntimeCheck, ...]


def diagnose() -> Diagnosis:
    """Describe the machine and test its runtimes; takes a few seconds."""
    machine = describe()
    return Diagnosis(machine=machine, best=best_runtime(machine), checks=self_test(machine))


def self_test(machine: Machine) -> tuple[RuntimeCheck, ...]:
    """Run a small seeded network through every runtime and precision that the machine has."""
    return tuple(_check(choice) for choice in _available(machine))


def _available(machine: Machine) -> list[RuntimeChoice]:
    choices = [RuntimeChoice(device="cpu", runtime="torch", precision="fp32")]
    if "openvino" in machine.versions:
        choices.append(RuntimeChoice(device="cpu", runtime="openvino", precision="fp32"))
        if machine.bf16:
            choices.append(RuntimeChoice(device="cpu", runtime="openvino", precision="bf16"))
    if machine.cuda:
        choices.append(RuntimeChoice(device="cuda", runtime="torch", precision="fp32"))
        if machine.cuda[0].bf16:
            choices.append(RuntimeChoice(device="cuda", runtime="torch", precision="bf16"))
    return choices


def _check(choice: RuntimeChoice) -> RuntimeCheck:
    tolerance = TOLERANCE[choice.precision]
    generator = torch.Generator().manual_seed(0)
    example = torch.randn(4, 3, 64, 64, generator=generator)
    network = _test_network()
    try:
        compiled = compile_network(network, example, choice.device, choice.runtime, choice.precision)
        first = compiled(example)
        start = time.perf_counter()
        second = compiled(example)
        milliseconds = 1000 * (time.perf_counter() - start)
        distance = agreement(network, compiled, example)
    except (MedTransferError, RuntimeError) as error:
        reason = error.message if isinstance(error, MedTransferError) else type(error).__name__
        return RuntimeCheck(choice=choice, ok=False, tolerance=tolerance, reason=reason)
    repeatable = torch.equal(first, second)
    return RuntimeCheck(
        choice=choice,
        ok=repeatable and distance <= tolerance,
        agreement=distance,
        tolerance=tolerance,
        repeatable=repeatable,
        milliseconds=round(milliseconds, 3),
    )


def _test_network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1, groups=32),
            nn.BatchNorm2d(64),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.LayerNorm(64),
            nn.Linear(64, 5),
        ).eval()


if __name__ == "__main__":
    sys.stdout.write(diagnose().model_dump_json(indent=2) + "\n")

"""Each runtime computes what eager torch computes, and the same bits every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.errors import EnvironmentFailure, PluginError
from medtransfer.inference import machine, runtime
from medtransfer.inference.doctor import self_test
from medtransfer.inference.machine import CudaDevice, Precision, Runtime, best_runtime, cpu_has_bf16, describe
from medtransfer.inference.runtime import TOLERANCE, agreement, compile_network

RUNTIMES: tuple[Runtime, ...] = ("torch", "openvino")


def _network(name: str, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = timm.create_model(name, num_classes=3, **options)
    return network.eval()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("name", "options"), [("tf_efficientnet_lite0", {}), ("vit_tiny_patch16_224", {"img_size": 96, "depth": 3})]
)
def test_openvino_agrees_with_torch(name: str, options: dict[str, Any], precision: Precision) -> None:
    if precision == "bf16" and not cpu_has_bf16():
        pytest.skip("this processor has no bfloat16 arithmetic")
    network, example = _network(name, **options), torch.randn(2, 3, 96, 96)
    compiled = compile_network(network, example, "cpu", "openvino", precision)
    other = torch.randn(5, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    assert 0 < agreement(network, compiled, other) <= TOLERANCE[precision]
    first = compiled(other)
    assert first.dtype == torch.float32
    assert first.shape == (5, 3)
    assert torch.equal(first, compiled(other.numpy()))


def test_probabilities_of_a_transformer_stay_within_half_a_percent() -> None:
    network = _network("vit_small_patch16_224", img_size=64, depth=4, global_pool="avg", fc_norm=True)
    nn.init.trunc_normal_(network.get_parameter("head.weight"), std=0.2)  # as drawn, every probability is a half
    pictures = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    eager, fast = (torch.sigmoid(compile_network(network, pictures, "cpu", way)(pictures)) for way in RUNTIMES)
    assert eager.std() > 0.1
    assert 0 < (eager - fast).abs().max() <= 0.005


def test_compiling_again_gives_the_same_bits() -> None:
    network, example = _network("resnet18"), torch.randn(2, 3, 64, 64)
    first, again = (compile_network(network, example, "cpu", "openvino") for _ in range(2))
    assert torch.equal(first(example), again(example))


def test_torch_agrees_with_itself() -> None:
    network, example = _network("resnet18"), torch.randn(2, 3, 64, 64)
    compiled = compile_network(network.train(), example)
    assert agreement(network, compiled, example) == 0
    assert not network.training
    assert torch.equal(compiled(example), compiled(np.asarray(example)))


def test_agreement_sees_a_difference() -> None:
    network, example = _network("resnet18"), torch.randn(2, 3, 64, 64)
    compiled = compile_network(network, example)

    def shifted(batch: Tensor | NDArray[np.float32]) -> Tensor:
        return compiled(batch) + torch.tensor([0.0, 0.25, 0.0])

    assert agreement(network, shifted, example) == pytest.approx(0.25, rel=0.01)


class Unconvertible(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = torch.linalg.eigvals(images[:, 0]).real
        return values


def test_a_network_that_openvino_cannot_run_is_refused_with_advice() -> None:
    with pytest.raises(PluginError) as caught:
        compile_network(Unconvertible(), torch.randn(1, 1, 4, 4), "cpu", "openvino")
    assert caught.value.code == "runtime.convert"
    assert "torch" in caught.value.hint


def test_short_memory_while_converting_is_not_taken_for_a_network_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("Exception from src/inference/src/dev/plugin.cpp:54:\nstd::bad_alloc")

    monkeypatch.setattr(runtime, "_traced", full)
    with pytest.raises(RuntimeError, match="bad_alloc"):
        compile_network(nn.Conv2d(1, 1, 1), torch.randn(1, 1, 4, 4), "cpu", "openvino")


def test_what_the_machine_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network, example = nn.Identity(), torch.zeros(1, 1, 2, 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(runtime, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(runtime, "has_openvino", lambda: False)
    for code, choice in {
        "runtime.cuda": ("cuda", "torch", "fp32"),
        "runtime.bf16": ("cpu", "torch", "bf16"),
        "runtime.openvino": ("cpu", "openvino", "fp32"),
    }.items():
        with pytest.raises(EnvironmentFailure) as caught:
            compile_network(network, example, *choice)  # type: ignore[arg-type]  # a row of the table above
        assert caught.value.code == code


def test_the_best_runtime_is_what_the_machine_has() -> None:
    here = describe()
    assert here.cores >= 1
    assert here.memory_gb > here.memory_free_gb > 0
    card = CudaDevice(name="card", memory_gb=8.0, bf16=True)
    plain = here.model_copy(update={"cuda": (), "bf16": False, "versions": {"torch": "2", "openvino": "2026"}})

    def chosen(**changes: object) -> tuple[str, str, str]:
        best = best_runtime(plain.model_copy(update=changes))
        return best.device, best.runtime, best.precision

    assert chosen() == ("cpu", "openvino", "fp32")
    assert chosen(bf16=True) == ("cpu", "openvino", "bf16")
    assert chosen(versions={"torch": "2"}, bf16=True) == ("cpu", "torch", "fp32")
    assert chosen(cuda=(card,)) == ("cuda", "torch", "bf16")
    assert chosen(cuda=(card.model_copy(update={"bf16": False}),)) == ("cuda", "torch", "fp32")


def test_a_machine_without_the_kernel_s_list_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_cpuinfo", dict)
    here = describe()
    assert here.flags == ()
    assert here.processor


def test_a_runtime_that_fails_is_reported_and_the_others_are_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    here = describe().model_copy(update={"cuda": (CudaDevice(name="gone", memory_gb=8.0, bf16=False),)})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    checks = {(c.choice.device, c.choice.runtime, c.choice.precision): c for c in self_test(here)}
    assert checks["cpu", "torch", "fp32"].ok
    assert checks["cpu", "openvino", "fp32"].ok
    failed = checks["cuda", "torch", "fp32"]
    assert not failed.ok
    assert "graphics card" in failed.reason


WATCHED_DOCTOR = """
import runpy, sys

def watch(event, _):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        sys.stderr.write("the network was used")

sys.addaudithook(watch)
runpy.run_module("medtransfer.inference.doctor", run_name="__main__", alter_sys=True)
"""


def test_the_doctor_answers_in_json_and_openvino_reports_nothing(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_DOCTOR],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | home,
    )
    diagnosis = json.loads(done.stdout)
    assert diagnosis["best"]["runtime"] in {"openvino", "torch"}
    assert all(check["ok"] and check["repeatable"] for check in diagnosis["checks"])
    assert "the network was used" not in done.stderr
    # OpenVINO's usage reporting would leave its client identifier here.
    assert not (tmp_path / "intel").exists()

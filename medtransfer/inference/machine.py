"""What this machine can do for a network: processor, memory, graphics cards, and the runtime that suits it."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import psutil
import torch

from medtransfer.result.model import Record

Device = Literal["cpu", "cuda"]
Runtime = Literal["torch", "openvino"]
Precision = Literal["fp32", "bf16"]

_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "sve", "bf16")
"""Instruction sets that decide the speed of a network, as the Linux kernel names them."""


class CudaDevice(Record):
    """One graphics card; memory in gigabytes (10^9 bytes)."""

    name: str
    memory_gb: float
    bf16: bool


class RuntimeChoice(Record):
    """Where and how a network runs."""

    device: Device
    runtime: Runtime
    precision: Precision


class Machine(Record):
    """One machine. ``flags`` is empty where the system does not list them; memory in gigabytes (10^9 bytes)."""

    system: str
    processor: str
    cores: int
    threads: int
    flags: tuple[str, ...]
    bf16: bool
    memory_gb: float
    memory_free_gb: float
    cuda: tuple[CudaDevice, ...]
    versions: dict[str, str]


def describe() -> Machine:
    """Describe the machine that this process runs on."""
    memory = psutil.virtual_memory()
    fields = _cpuinfo()
    found = {*fields.get("flags", "").split(), *fields.get("Features", "").split()}
    libraries = ["torch", "openvino"] if has_openvino() else ["torch"]
    threads = psutil.cpu_count() or 1
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=fields.get("model name") or platform.processor() or platform.machine(),
        cores=psutil.cpu_count(logical=False) or threads,
        threads=threads,
        flags=tuple(flag for flag in _FLAGS if flag in found),
        bf16=cpu_has_bf16(),
        memory_gb=round(memory.total / 1e9, 1),
        memory_free_gb=round(memory.available / 1e9, 1),
        cuda=_cuda_devices(),
        versions={name: version(name) for name in libraries},
    )


def free_memory() -> int:
    """Return the bytes of memory that can be had without swapping."""
    return int(psutil.virtual_memory().available)


def best_runtime(machine: Machine) -> RuntimeChoice:
    """Choose the fastest runtime there is: CUDA, else OpenVINO, else torch; bfloat16 where it is in the hardware."""
    if machine.cuda:
        return RuntimeChoice(device="cuda", runtime="torch", precision="bf16" if machine.cuda[0].bf16 else "fp32")
    if "openvino" in machine.versions:
        return RuntimeChoice(device="cpu", runtime="openvino", precision="bf16" if machine.bf16 else "fp32")
    return RuntimeChoice(device="cpu", runtime="torch", precision="fp32")


def has_openvino() -> bool:
    """Tell whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def import_openvino(part: str = "openvino") -> Any:
    """Import OpenVINO, or a part of it, without its usage reporting.

    Merely importing OpenVINO reports that over the internet, and so does converting a network. Without its telemetry
    package it uses a stub that does nothing, so that package is made to look absent; nothing leaves this machine.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # how Python is told that it is absent
    return importlib.import_module(part)


@cache
def cpu_has_bf16() -> bool:
    """Tell whether OpenVINO finds bfloat16 arithmetic (AVX-512 BF16, AMX, Arm BF16) in the processor."""
    if not has_openvino():
        return False
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _cuda_devices() -> tuple[CudaDevice, ...]:
    if not torch.cuda.is_available():
        return ()
    cards = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    # bfloat16 arithmetic came with compute capability 8.0 (NVIDIA Ampere).
    return tuple(
        CudaDevice(name=card.name, memory_gb=round(card.total_memory / 1e9, 1), bf16=card.major >= 8) for card in cards
    )


def _cpuinfo() -> dict[str, str]:
    """Read the first processor's entry where the system has one (Linux); empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.split("\n\n", 1)[0].splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}

"""Which device and runtime a worker computes with.

Importing torch takes seconds, so the driver is asked first: without an NVIDIA device the answer is known at once.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from typing import Literal

from medtransfer.contract.manifest import Manifest
from medtransfer.errors import EnvironmentFailure

Device = Literal["cpu", "cuda"]
Runtime = Literal["torch", "openvino"]
Wish = Literal["auto", "cpu", "cuda"]


def choose_device(wish: Wish, manifest: Manifest) -> Device:
    """Return the device to compute on.

    Raises
    ------
    EnvironmentFailure
        When CUDA was asked for, or the plug-in cannot do without it, and there is none.
    """
    if wish != "cpu" and cuda_available():
        return "cuda"
    if wish == "cuda" or not manifest.can.cpu:
        needs = "was asked to use" if wish == "cuda" else "needs"
        raise EnvironmentFailure(
            f"this plug-in {needs} a CUDA device and none can be used here",
            code="device.no-cuda",
            hint="Check the graphics driver with `medtransfer doctor`, or choose another device or plug-in.",
        )
    return "cpu"


def choose_runtime(device: Device) -> Runtime:
    """Return ``torch`` on CUDA; on the CPU ``openvino`` where it is installed."""
    return "openvino" if device == "cpu" and importlib.util.find_spec("openvino") else "torch"


def cuda_available() -> bool:
    """Whether torch can compute on an NVIDIA device here."""
    if importlib.util.find_spec("torch") is None or not _driver_has_devices():
        return False
    import torch

    return torch.cuda.is_available()


def _driver_has_devices() -> bool:
    """Ask the CUDA driver itself (``cuInit`` and ``cuDeviceGetCount`` return 0 on success)."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False

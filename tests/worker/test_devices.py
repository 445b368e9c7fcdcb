"""The device is chosen without importing torch where the answer is plain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from medtransfer.contract.manifest import Can, read_manifest
from medtransfer.errors import EnvironmentFailure
from medtransfer.worker import devices

MANIFEST = read_manifest(Path(__file__).resolve().parents[1] / "plugins" / "echo" / "medtransfer_echo")


def with_cuda(monkeypatch: pytest.MonkeyPatch, *, present: bool) -> None:
    monkeypatch.setattr(devices, "cuda_available", lambda: present)


def test_auto_takes_cuda_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cuda(monkeypatch, present=True)
    assert devices.choose_device("auto", MANIFEST) == "cuda"
    assert devices.choose_device("cpu", MANIFEST) == "cpu"
    assert devices.choose_runtime("cuda") == "torch"


def test_auto_takes_the_cpu_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cuda(monkeypatch, present=False)
    assert devices.choose_device("auto", MANIFEST) == "cpu"


def test_a_missing_device_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cuda(monkeypatch, present=False)
    with pytest.raises(EnvironmentFailure, match="was asked to use a CUDA device"):
        devices.choose_device("cuda", MANIFEST)
    needs_cuda = MANIFEST.model_copy(update={"can": Can(cpu=False)})
    with pytest.raises(EnvironmentFailure, match="needs a CUDA device"):
        devices.choose_device("auto", needs_cuda)


def test_the_runtime_on_the_cpu_follows_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert devices.choose_runtime("cpu") == "torch"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert devices.choose_runtime("cpu") == "openvino"


def test_without_a_driver_torch_is_not_imported() -> None:
    code = (
        "import sys; from medtransfer.worker import devices;"
        "devices._driver_has_devices = lambda: False; assert not devices.cuda_available();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Doctor: what this machine can do, told by the host and by a process that imports the networks' libraries."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from medtransfer.hosting.guard import usable_cores
from medtransfer.store.home import Home

TIMEOUT_S = 300
SELF_TEST = ("-m", "medtransfer.inference.doctor")
PACKAGES = (
    "medtransfer",
    "numpy",
    "pydantic",
    "pydicom",
    "nibabel",
    "pillow",
    "torch",
    "timm",
    "openvino",
    "PySide6-Essentials",
)


@dataclass(frozen=True)
class Diagnosis:
    """What was found. ``runtimes`` is the answer of the self-test, ``problem`` why there is none."""

    host: dict[str, str | int | float]
    packages: dict[str, str]
    runtimes: dict[str, Any]
    problem: str

    @property
    def healthy(self) -> bool:
        """Whether networks can run here."""
        return not self.problem


def examine(home: Home) -> Diagnosis:
    """Collect facts about this machine and run the runtimes' self-test in a process of its own."""
    runtimes, problem = _self_test()
    return Diagnosis(_host(home), {name: _version(name) for name in PACKAGES}, runtimes, problem)


def _host(home: Home) -> dict[str, str | int | float]:
    memory = psutil.virtual_memory()
    existing = next(parent for parent in (home.root, *home.root.parents) if parent.exists())
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "memory_gib": round(memory.total / 2**30, 1),
        "memory_free_gib": round(memory.available / 2**30, 1),
        "home": str(home.root),
        "home_free_gb": round(shutil.disk_usage(existing).free / 10**9, 1),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _self_test() -> tuple[dict[str, Any], str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-P", *SELF_TEST]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False, env=variables)
        answer = json.loads(ended.stdout)
        failed = [check["choice"] for check in answer["checks"] if not check["ok"]]
    except subprocess.TimeoutExpired:
        return {}, f"the self-test took longer than {TIMEOUT_S} s"
    except (OSError, ValueError, KeyError, TypeError):
        return {}, "the self-test did not answer: the networks' libraries may be missing; install medtransfer[worker]"
    names = ", ".join(f"{choice['runtime']} {choice['precision']} on {choice['device']}" for choice in failed)
    return answer, f"these runtimes failed their self-test: {names}" if failed else ""

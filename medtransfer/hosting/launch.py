"""Starting, measuring and ending a worker's processes on every system."""

from __future__ import annotations

import contextlib
import os
import signal
import site
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

import medtransfer
from medtransfer.contract.manifest import MANIFEST_FILE, Manifest
from medtransfer.errors import EnvironmentFailure
from medtransfer.hosting.catalogue import PluginEntry

_THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_KILL_WAIT_S = 0.8


def command(entry: PluginEntry, manifest: Manifest, device: str, threads: int) -> list[str]:
    """Return the command line of a worker. ``-P`` keeps the current folder off the import path."""
    return [
        str(entry.python),
        "-P",
        "-m",
        "medtransfer.worker",
        "--entry",
        manifest.entry,
        "--manifest",
        str(entry.folder / MANIFEST_FILE),
        "--device",
        device,
        "--threads",
        str(threads),
    ]


def environment(entry: PluginEntry, manifest: Manifest, threads: int) -> dict[str, str]:
    """Return the worker's environment: no Python setting of the caller leaks in, and threads are bounded.

    ``PYTHONPATH`` holds the plug-in's own packages, which thereby come before the host's.

    Raises
    ------
    EnvironmentFailure
        When a folder's name contains the character that separates folders in ``PYTHONPATH``.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    root = Path(medtransfer.__file__).resolve().parents[1]
    installed = {Path(folder).resolve() for folder in (*site.getsitepackages(), site.getusersitepackages())}
    folders = [str(folder) for folder in (*entry.sys_path, *([] if root in installed else [root]))]
    if any(os.pathsep in folder for folder in folders):
        raise EnvironmentFailure(
            f"the folder of the plug-in or of medtransfer has {os.pathsep!r} in its name",
            code="worker.folder-name",
            hint="Rename the folder, or move medtransfer's home with --home.",
            subject=str(entry.folder),
        )
    limits = dict.fromkeys(_THREAD_LIMITS, str(threads))
    offline = {} if manifest.permissions.network else {"HF_HUB_OFFLINE": "1"}
    return {**kept, **limits, **offline, "PYTHONPATH": os.pathsep.join(folders), "PYTHONUTF8": "1"}


def start(arguments: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the process in a group of its own, so that Ctrl+C in the terminal reaches the host alone.

    Raises
    ------
    EnvironmentFailure
        When the system refuses.
    """
    try:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tempfile.gettempdir(),
            env=variables,
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        raise EnvironmentFailure(
            f"the plug-in's process cannot be started ({error.strerror})",
            code="worker.start",
            hint="Check with `medtransfer doctor` that this installation is complete.",
        ) from error


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process and everything it started, in MiB; 0 when it is gone."""
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total / 2**20


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything it started, at once."""
    tree = _tree(process.pid)
    if sys.platform != "win32":
        # Children whose parent is already dead are no longer in the tree, but still in the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for member in tree:
        with contextlib.suppress(psutil.Error):
            member.kill()
    psutil.wait_procs([member for member in tree if member.pid != process.pid], timeout=_KILL_WAIT_S)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_KILL_WAIT_S)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []

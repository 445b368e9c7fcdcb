"""What a worker may take, and the guard that holds it to that: time, memory, signs of life."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Literal

import psutil

from medtransfer.errors import EnvironmentFailure, PluginError
from medtransfer.hosting import launch
from medtransfer.hosting.conversation import Conversation

_MEMORY_EVERY_S = 0.5


def usable_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def sensible_memory_limit_mib() -> float:
    """Return nine tenths of the machine's memory: beyond that it starts to swap and stands still for everybody."""
    return 0.9 * float(psutil.virtual_memory().total) / 2**20


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker is run.

    Attributes
    ----------
    threads
        Threads that its libraries may use.
    memory_limit_mib
        Resident memory of the worker and everything it started; above that it is ended.
    start_timeout_s
        How long it may take until it says hello. Importing torch from a cold disk can take a minute.
    silence_timeout_s
        How long it may be silent: its heartbeat, once a second, can be held up by native code that keeps the
        interpreter locked, so this is far above a second.
    cancel_grace_s
        How long a job may go on after it was asked to stop; then the process is ended.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = field(default_factory=usable_cores)
    memory_limit_mib: float = field(default_factory=sensible_memory_limit_mib)
    start_timeout_s: float = 180.0
    silence_timeout_s: float = 120.0
    cancel_grace_s: float = 3.5


class Guard:
    """Watches that a worker lives and stays within its memory."""

    def __init__(self, conversation: Conversation, options: WorkerOptions) -> None:
        self._conversation = conversation
        self._options = options
        self._heard = conversation.heard
        self._silent_s = 0.0
        self._last_check = self._last_measure = time.monotonic()

    def check(self) -> None:
        """Raise when the worker hangs or uses too much memory."""
        now = time.monotonic()
        self._check_silence(now)
        if now - self._last_measure >= _MEMORY_EVERY_S:
            self._last_measure = now
            self._check_memory()

    def _check_silence(self, now: float) -> None:
        # Long steps are cut: after the computer slept, the worker must get its time to speak first.
        step = min(now - self._last_check, 1.0)
        self._last_check = now
        self._silent_s = self._silent_s + step if self._heard == self._conversation.heard else 0.0
        self._heard = self._conversation.heard
        if self._silent_s > self._options.silence_timeout_s:
            raise PluginError(
                f"the plug-in's process gave no sign of life for {self._options.silence_timeout_s:.0f} s and was ended",
                code="worker.hung",
                hint="Run the job again; if it hangs again, report it to the plug-in's author.",
            )

    def _check_memory(self) -> None:
        used = launch.resident_mib(self._conversation.process.pid)
        if used > self._options.memory_limit_mib:
            raise EnvironmentFailure(
                f"the plug-in used {used:,.0f} MiB of memory, more than the {self._options.memory_limit_mib:,.0f} MiB "
                "it may use, and was ended",
                code="worker.memory-limit",
                hint="Choose a smaller input size or batch, raise the memory limit, or use a machine with more memory.",
            )

"""The context in which a plug-in runs its verbs: :class:`medtransfer.contract.verbs.Context` for real."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medtransfer.contract.manifest import Manifest
from medtransfer.contract.messages import Log, Progress
from medtransfer.contract.verbs import JobCancelled
from medtransfer.worker.channel import Channel
from medtransfer.worker.devices import Device, Runtime
from medtransfer.worker.failures import sendable

PROGRESS_INTERVAL_S = 0.1
_STAGE_LIMIT = 200
_LOG_LIMIT = 4_000
_VALUES_LIMIT = 64


class ProgressSender:
    """Sends at most ten progress messages a second and never loses the last one."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._waiting: Progress | None = None
        self._sent_at = -math.inf

    def offer(self, message: Progress) -> None:
        """Send the message now, or keep it until the interval is over; a newer one replaces it."""
        with self._lock:
            self._waiting = message
            if time.monotonic() - self._sent_at >= PROGRESS_INTERVAL_S:
                self._send()

    def flush(self) -> None:
        """Send the message that waits, if one does."""
        with self._lock:
            if self._waiting is not None:
                self._send()

    def _send(self) -> None:
        if self._waiting is not None:
            self._channel.send(self._waiting)
        self._waiting = None
        self._sent_at = time.monotonic()


@dataclass(eq=False)
class JobContext:
    """What a plug-in gets for one job; :class:`medtransfer.contract.verbs.Context` says what the fields mean."""

    job: str
    channel: Channel
    sender: ProgressSender
    manifest: Manifest
    device: Device
    runtime: Runtime
    threads: int
    scratch: Path
    checkpoints: Path
    output: Path
    cache: Path
    weights: Mapping[str, Path]

    def progress(self, fraction: float, stage: str, **values: float) -> None:
        """Tell how far the job is; figures that are not finite cannot be drawn and are left out."""
        finite = {key: float(value) for key, value in values.items() if math.isfinite(value)}
        message = Progress(
            job=self.job,
            fraction=min(max(float(fraction), 0.0), 1.0) if math.isfinite(fraction) else 0.0,
            stage=sendable(stage, _STAGE_LIMIT),
            values=dict(list(finite.items())[:_VALUES_LIMIT]),
        )
        self.sender.offer(message)

    def check(self) -> None:
        """Raise :class:`JobCancelled` if the person stopped the job."""
        if self.channel.is_cancelled(self.job):
            raise JobCancelled

    def log(self, level: Literal["debug", "info", "warning", "error"], text: str) -> None:
        """Write a line to the job's log."""
        self.channel.send(Log(job=self.job, level=level, text=sendable(text, _LOG_LIMIT)))

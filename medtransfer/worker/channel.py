"""The worker's end of the conversation with the host: two private pipes that a plug-in cannot disturb."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import BinaryIO

from pydantic import ValidationError

from medtransfer.contract.messages import Cancel, Shutdown, Start, decode_to_worker, encode, read_frame
from medtransfer.errors import PluginError
from medtransfer.result.model import Record

HOST_IS_GONE = 3
"""Exit code of a worker whose host ended or broke the conversation."""


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes to the host for ourselves and return them: (from the host, to the host).

    Afterwards the process's standard input is empty and its standard output goes where its standard error goes, so a
    plug-in that prints or reads, even from native code, cannot corrupt the conversation. The copies are not inherited
    by programs that the plug-in starts.
    """
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, kept for the process's life
    return incoming, outgoing


class Channel:
    """Sends messages from any thread and sorts what arrives: jobs into a queue, cancellations into a set.

    When the host's end closes, the reading thread ends the process: nobody is left to work for.
    """

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._lock = threading.Lock()
        self._cancelled: set[str] = set()
        self._jobs: queue.SimpleQueue[Start | None] = queue.SimpleQueue()

    def send(self, message: Record) -> None:
        """Send a message; without a host to hear it the process ends."""
        frame = encode(message)
        try:
            with self._lock:
                self._outgoing.write(frame)
                self._outgoing.flush()
        except OSError:
            os._exit(HOST_IS_GONE)

    def next_job(self) -> Start | None:
        """Wait for the next job; None when the host asked the worker to end."""
        return self._jobs.get()

    def is_cancelled(self, job: str) -> bool:
        """Whether the host asked for this job to stop."""
        return job in self._cancelled

    def start_reading(self) -> None:
        """Read in a thread of its own, so that a cancellation arrives while a job runs."""
        threading.Thread(target=self._read, name="from-host", daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                body = read_frame(self._incoming)
                message = decode_to_worker(body) if body is not None else None
            except (OSError, PluginError, ValidationError):
                message = None
            match message:
                case Start():
                    self._jobs.put(message)
                case Cancel():
                    self._cancelled.add(message.job)
                case Shutdown():
                    self._jobs.put(None)
                    return
                case None:
                    # Nothing may outlive the host, and a job's files are complete or invisible at every moment.
                    os._exit(HOST_IS_GONE)

"""The host's end of the conversation with a worker: its messages in a queue, its last words in a list."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections import deque
from typing import BinaryIO

from medtransfer.contract.messages import Heartbeat, ToHost, decode_to_host, encode, read_frame
from medtransfer.errors import PluginError
from medtransfer.hosting.redaction import without_paths
from medtransfer.result.model import Record

_WAITING_MESSAGES = 256
_LAST_LINES = 20
_LINE_LIMIT = 400
_READER_WAIT_S = 1.0


class WorkerEnded(Exception):
    """The worker's end of the conversation is closed."""


class Conversation:
    """Reads a worker's messages and its standard error in threads of their own.

    Attributes
    ----------
    heard
        How many messages arrived so far, heartbeats included.
    resident_mib
        The worker's memory as it last said.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the worker must be started with three pipes")
        self.process = process
        self.heard = 0
        self.resident_mib = 0.0
        self._to_worker: BinaryIO = process.stdin  # type: ignore[assignment]  # typeshed: IO[bytes]
        self._messages: queue.Queue[ToHost | PluginError | None] = queue.Queue(_WAITING_MESSAGES)
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._readers = (
            threading.Thread(target=self._read, args=(process.stdout,), name="from-worker", daemon=True),
            threading.Thread(target=self._listen, args=(process.stderr,), name="worker-stderr", daemon=True),
        )
        for reader in self._readers:
            reader.start()

    def send(self, message: Record) -> None:
        """Send a message.

        Raises
        ------
        WorkerEnded
            When nobody is there to read it.
        """
        try:
            self._to_worker.write(encode(message))
            self._to_worker.flush()
        except (OSError, ValueError) as error:
            raise WorkerEnded from error

    def receive(self, timeout: float) -> ToHost | None:
        """Return the next message that is not a heartbeat; None when none came in ``timeout`` seconds.

        Raises
        ------
        WorkerEnded
            When the conversation is over.
        PluginError
            When something arrived that is not a message.
        """
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            self._give_up_on_the_dead()
            return None
        if message is None:
            raise WorkerEnded
        if isinstance(message, PluginError):
            raise message
        return message

    def _give_up_on_the_dead(self) -> None:
        """Notice the end of a worker whose pipe is still held open by a program that the plug-in started."""
        if self.process.poll() is not None:
            self._readers[0].join(timeout=_READER_WAIT_S)
            if self._messages.empty():
                raise WorkerEnded

    def last_lines(self) -> list[str]:
        """Return what the worker last wrote to its standard error, without paths."""
        self._readers[1].join(timeout=_READER_WAIT_S)
        return [without_paths(line) for line in list(self._last_lines)]

    def close(self) -> None:
        """Close the pipes of a process that has ended."""
        end = time.monotonic() + _READER_WAIT_S
        while self._readers[0].is_alive() and time.monotonic() < end:
            with contextlib.suppress(queue.Empty):  # the thread may wait for room in the queue
                self._messages.get(timeout=0.05)
        with contextlib.suppress(OSError, ValueError):
            self._to_worker.close()
        for reader, pipe in zip(self._readers, (self.process.stdout, self.process.stderr), strict=True):
            reader.join(timeout=_READER_WAIT_S)
            if pipe is not None and not reader.is_alive():
                pipe.close()

    def _read(self, stream: BinaryIO) -> None:
        while True:
            try:
                body = read_frame(stream)
                message = None if body is None else decode_to_host(body)
            except PluginError as error:
                self._messages.put(error)
                return
            except (OSError, ValueError):
                message = None
            self.heard += 1
            if isinstance(message, Heartbeat):
                self.resident_mib = message.resident_mib
                continue
            self._messages.put(message)
            if message is None:
                return

    def _listen(self, stream: BinaryIO) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_LINE_LIMIT):
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self._last_lines.append(text)

"""The handle on a worker process: jobs go in, messages come out, and its death is said in words."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from medtransfer.contract.manifest import CONTRACT, Manifest, Verb
from medtransfer.contract.messages import Cancel, Cancelled, Done, Failed, Hello, Log, Progress, Shutdown, Start, ToHost
from medtransfer.contract.requests import SCRATCH
from medtransfer.errors import (
    DataError,
    EnvironmentFailure,
    InternalError,
    MedTransferError,
    PluginError,
    UserError,
)
from medtransfer.hosting import launch
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.hosting.conversation import Conversation, WorkerEnded
from medtransfer.hosting.death import died
from medtransfer.hosting.guard import Guard, WorkerOptions
from medtransfer.hosting.joblog import JobLog
from medtransfer.hosting.redaction import without_paths

POLL_S = 0.1
_END_WAIT_S = 2.0
_ERRORS: dict[str, type[MedTransferError]] = {
    kind.kind: kind for kind in (DataError, EnvironmentFailure, PluginError, UserError, InternalError)
}

Listener = Callable[[Progress | Log], None]
Asked = Callable[[], bool]


def never() -> bool:
    """Answer that nobody asked to stop."""
    return False


class Worker:
    """One plug-in's process: :meth:`start` it, :meth:`run` jobs on it while it stays warm, :meth:`close` it.

    A process that died is replaced at the next job. One job at a time, and from one thread at a time.
    """

    def __init__(self) -> None:
        self._plugin: _Loaded | None = None
        self._conversation: Conversation | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, entry: PluginEntry, options: WorkerOptions | None = None, cancelled: Asked = never) -> Hello:
        """Start the process and wait until the plug-in is loaded.

        Parameters
        ----------
        entry
            The plug-in, from :func:`medtransfer.hosting.catalogue.get`.
        cancelled
            Asked ten times a second whether to give up.

        Raises
        ------
        PluginError
            When the plug-in is unusable, cannot be loaded, speaks another contract, or does not answer in time.
        EnvironmentFailure
            When the machine lacks what it needs.
        UserError
            With code ``job.cancelled``, when ``cancelled`` said so.
        """
        self.close()
        self._plugin = _Loaded(entry, _usable(entry), options or WorkerOptions())
        return self._open(self._plugin, cancelled)[1]

    def run(self, verb: Verb, folder: Path, on_message: Listener, cancelled: Asked) -> None:
        """Do one job whose request and inputs lie in ``folder``; its output lies there when this returns.

        Parameters
        ----------
        on_message
            Called in this thread with every :class:`Progress` and :class:`Log` of the job.
        cancelled
            Asked ten times a second whether to stop the job (the ``is_set`` of an event, for example): the plug-in is
            asked first, and its process ended within five seconds.

        Raises
        ------
        UserError
            With code ``job.cancelled``, when the job was stopped.
        MedTransferError
            What the plug-in reported, or how its process ended (``worker.died``, ``worker.hung``,
            ``worker.memory-limit``). The next job gets a new process where that is needed.
        """
        log = JobLog(folder)
        try:
            plugin, conversation = self._ready(cancelled)
            outcome = self._converse(conversation, _Job(verb, folder, on_message, cancelled, log), plugin.options)
        except MedTransferError as error:
            log.write("error", f"{error.code}: {error.message}")
            raise
        if isinstance(outcome, Done):
            return
        ending = _reported(outcome) if isinstance(outcome, Failed) else _stopped()
        log.write("error", f"{ending.code}: {ending.message}")
        raise ending

    def close(self) -> None:
        """End the process: politely, and by force when it does not go within two seconds."""
        if self._conversation is not None:
            with contextlib.suppress(WorkerEnded):
                self._conversation.send(Shutdown())
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._conversation.process.wait(timeout=_END_WAIT_S)
        self._end()

    def _ready(self, cancelled: Asked) -> tuple[_Loaded, Conversation]:
        """Return the plug-in and the conversation with its living process, a new one if the last is gone."""
        if self._plugin is None:
            raise InternalError("a worker was used before its start", code="worker.not-started", hint="Report this.")
        if self._conversation is None or self._conversation.process.poll() is not None:
            self._conversation, _ = self._open(self._plugin, cancelled)
        return self._plugin, self._conversation

    def _open(self, plugin: _Loaded, cancelled: Asked) -> tuple[Conversation, Hello]:
        self._end()
        threads = plugin.options.threads
        process = launch.start(
            launch.command(plugin.entry, plugin.manifest, plugin.options.device, threads),
            launch.environment(plugin.entry, plugin.manifest, threads),
        )
        conversation = self._conversation = Conversation(process)
        with self._ended_by_trouble(conversation):
            return conversation, _await_hello(conversation, plugin, cancelled)

    def _converse(self, conversation: Conversation, job: _Job, options: WorkerOptions) -> Done | Cancelled | Failed:
        try:
            with self._ended_by_trouble(conversation):
                return self._follow(conversation, job, options)
        finally:
            shutil.rmtree(job.folder / SCRATCH, ignore_errors=True)

    @contextlib.contextmanager
    def _ended_by_trouble(self, conversation: Conversation) -> Iterator[None]:
        """End the process when anything at all escapes from the block: its state is unknown then."""
        try:
            yield
        except WorkerEnded:
            raise self._died(conversation) from None
        except BaseException:
            self._end()
            raise

    def _follow(self, conversation: Conversation, job: _Job, options: WorkerOptions) -> Done | Cancelled | Failed:
        conversation.send(Start(job=job.id, verb=job.verb, folder=str(job.folder.absolute())))
        guard = Guard(conversation, options)
        kill_at: float | None = None
        while True:
            outcome = job.take(conversation.receive(POLL_S))
            if outcome is not None:
                return outcome
            guard.check()
            if kill_at is None and job.cancelled():
                conversation.send(Cancel(job=job.id))
                kill_at = time.monotonic() + options.cancel_grace_s
            if kill_at is not None and time.monotonic() > kill_at:
                self._end()
                return Cancelled(job=job.id)

    def _died(self, conversation: Conversation) -> PluginError:
        try:
            exit_code = conversation.process.wait(timeout=_END_WAIT_S)
        except subprocess.TimeoutExpired:
            exit_code = None
        launch.kill_tree(conversation.process)
        error = died(exit_code, conversation.resident_mib, conversation.last_lines())
        self._end()
        return error

    def _end(self) -> None:
        if self._conversation is not None:
            launch.kill_tree(self._conversation.process)
            self._conversation.close()
        self._conversation = None


@dataclass(frozen=True)
class _Loaded:
    """What a worker runs, kept so that a process that died can be replaced."""

    entry: PluginEntry
    manifest: Manifest
    options: WorkerOptions


@dataclass(frozen=True, eq=False)
class _Job:
    verb: Verb
    folder: Path
    on_message: Listener
    cancelled: Asked
    log: JobLog
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def take(self, message: ToHost | None) -> Done | Cancelled | Failed | None:
        """Pass the message on; return it when it says how the job ended. Stragglers of an earlier job are dropped."""
        match message:
            case Log() if message.job in {self.id, ""}:
                self.log.write(message.level, message.text)
                self.on_message(message)
            case Progress(job=self.id):
                self.on_message(message)
            case Done(job=self.id) | Cancelled(job=self.id) | Failed(job=self.id):
                return message
        return None


def _await_hello(conversation: Conversation, plugin: _Loaded, cancelled: Asked) -> Hello:
    guard = Guard(conversation, plugin.options)
    deadline = time.monotonic() + plugin.options.start_timeout_s
    while True:
        message = conversation.receive(POLL_S)
        if isinstance(message, Hello):
            return _agreed(message, plugin.manifest)
        if isinstance(message, Failed):
            raise _reported(message)
        if cancelled():
            raise _stopped()
        guard.check()
        if time.monotonic() > deadline:
            raise PluginError(
                f"the plug-in did not get ready within {plugin.options.start_timeout_s:.0f} s",
                code="worker.start-timeout",
                hint="Try again when the machine is less busy; if it stays so, report it to the plug-in's author.",
            )


def _usable(entry: PluginEntry) -> Manifest:
    if entry.manifest is None or entry.reason:
        raise PluginError(
            f"the plug-in cannot be used: {entry.reason}",
            code="plugin.unusable",
            hint="`medtransfer plugin list` shows every plug-in and what is wrong with it.",
            subject=entry.id,
        )
    return entry.manifest


def _agreed(hello: Hello, manifest: Manifest) -> Hello:
    """Return the greeting of a worker that speaks our contract for the plug-in that was asked for."""
    if hello.contract != CONTRACT:
        raise PluginError(
            f"the worker speaks plug-in contract {hello.contract}, this medtransfer speaks {CONTRACT}",
            code="worker.contract",
            hint="The plug-in's environment holds another medtransfer: install the plug-in again.",
        )
    if (hello.plugin, hello.version) != (manifest.id, manifest.version):
        raise PluginError(
            "the worker loaded another plug-in than the one asked for",
            code="worker.plugin",
            hint="The plug-in was changed meanwhile: start again.",
        )
    return hello


def _reported(failed: Failed) -> MedTransferError:
    error = _ERRORS[failed.kind](
        without_paths(failed.message), code=failed.code, hint=without_paths(failed.hint), subject=failed.subject
    )
    if failed.trace and failed.code == "plugin.exception":
        error.add_note("The plug-in's traceback:\n" + without_paths(failed.trace))
    return error


def _stopped() -> UserError:
    return UserError(
        "the job was stopped",
        code="job.cancelled",
        hint="Start it again to go on where its last checkpoint was written.",
    )

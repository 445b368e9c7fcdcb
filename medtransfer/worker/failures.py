"""What a worker tells the host when something went wrong."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path
from typing import Literal, get_args

from medtransfer import memory
from medtransfer.contract.messages import Failed
from medtransfer.errors import EnvironmentFailure, MedTransferError, PluginError

Kind = Literal["data", "environment", "plugin", "user", "bug"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_TRACE_LIMIT = 16_000
_TEXT_LIMIT = 4_000


def failure(error: BaseException, job: str = "") -> Failed:
    """Return the message for an exception; what medtransfer did not raise on purpose is the plug-in's."""
    told = error if isinstance(error, MedTransferError) else _explained(error)
    return Failed(
        job=job,
        kind=next((kind for kind in _KINDS if kind == told.kind), "plugin"),
        code=told.code,
        message=sendable(told.message, _TEXT_LIMIT),
        hint=sendable(told.hint, _TEXT_LIMIT),
        subject=None if told.subject is None else sendable(told.subject, _TEXT_LIMIT),
        trace=sendable(trace(error), _TRACE_LIMIT),
    )


def sendable(text: str, limit: int) -> str:
    """Return the text as JSON can carry it: at most ``limit`` characters and no lone surrogates."""
    return text[:limit].encode("utf-8", "replace").decode("utf-8")


def trace(error: BaseException) -> str:
    """Return the traceback, causes first, with the files' names and not their folders."""
    lines: list[str] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        lines += [trace(cause), "which led to:"]
    lines += [
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}: {frame.line or ''}".rstrip()
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return "\n".join([*lines, f"{type(error).__name__}: {error}"])


def _explained(error: BaseException) -> MedTransferError:
    if _is_full_disk(error):
        return EnvironmentFailure(
            "the disk is full",
            code="disk.full",
            hint="Free some space and start the same job again: what was finished is kept.",
        )
    if memory.exhausted(error):
        return EnvironmentFailure(
            "the memory does not suffice for this job",
            code="worker.memory",
            hint="Close other programs, choose a smaller input size or batch, or use a machine with more memory.",
        )
    if isinstance(error, ModuleNotFoundError):
        return PluginError(
            f"the plug-in needs the Python package {error.name!r}, which is not there",
            code="plugin.import",
            hint="Install the plug-in again, or add the package to the dependencies it declares.",
        )
    return PluginError(
        f"the plug-in failed with {type(error).__name__}",
        code="plugin.exception",
        hint="Report it to the plug-in's author together with the lines of the traceback.",
    )


def _is_full_disk(error: BaseException) -> bool:
    """Native writers report a full disk in words only, so the words count too."""
    full = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
    return (isinstance(error, OSError) and error.errno in full) or "No space left on device" in str(error)

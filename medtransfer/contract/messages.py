"""What host and worker say to each other: small JSON messages, length-prefixed, over the worker's pipes.

Frame: four bytes big-endian length, then that many bytes of UTF-8 JSON. A frame above :data:`MAXIMUM_FRAME` ends the
conversation. Arrays never travel here: they lie as files in the job's folder.
"""

from __future__ import annotations

import struct
from typing import Annotated, BinaryIO, Literal

from pydantic import Field, TypeAdapter, ValidationError

from medtransfer.contract.manifest import Verb
from medtransfer.errors import PluginError
from medtransfer.result.model import Record

MAXIMUM_FRAME = 4 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Start(Record):
    """Host to worker: do this job. ``folder`` holds ``request.json`` and the arrays."""

    type: Literal["start"] = "start"
    job: str
    verb: Verb
    folder: str


class Cancel(Record):
    """Host to worker: stop this job when you can; after five seconds the process is killed."""

    type: Literal["cancel"] = "cancel"
    job: str


class Shutdown(Record):
    """Host to worker: end."""

    type: Literal["shutdown"] = "shutdown"


class Hello(Record):
    """Worker to host, once: the plug-in is loaded and can take jobs."""

    type: Literal["hello"] = "hello"
    plugin: str
    version: str
    contract: int
    pid: int
    device: str
    runtime: str


class Heartbeat(Record):
    """Worker to host, about once a second from a thread of its own."""

    type: Literal["heartbeat"] = "heartbeat"
    resident_mib: float


class Progress(Record):
    """Worker to host: how far, between 0 and 1, and at what. ``values`` feed live curves (``{"loss": 0.3}``)."""

    type: Literal["progress"] = "progress"
    job: str
    fraction: float = Field(ge=0.0, le=1.0)
    stage: str
    values: dict[str, float] = {}


class Log(Record):
    """Worker to host: one line for the log, free of patient data."""

    type: Literal["log"] = "log"
    job: str = ""
    level: Literal["debug", "info", "warning", "error"]
    text: str = Field(max_length=8000)


class Done(Record):
    """Worker to host: the job is complete; its output lies in the job's folder."""

    type: Literal["done"] = "done"
    job: str


class Cancelled(Record):
    """Worker to host: the job was stopped as asked."""

    type: Literal["cancelled"] = "cancelled"
    job: str


class Failed(Record):
    """Worker to host: the job (or, with an empty ``job``, the start) failed. The fields are those of MedTransferError.

    ``subject`` is shown at the screen and never logged; ``trace`` holds the plug-in's own traceback, file names without
    folders.
    """

    type: Literal["failed"] = "failed"
    job: str = ""
    kind: Literal["data", "environment", "plugin", "user", "bug"]
    code: str
    message: str
    hint: str = ""
    subject: str | None = None
    trace: str = ""


ToWorker = Annotated[Start | Cancel | Shutdown, Field(discriminator="type")]
ToHost = Annotated[Hello | Heartbeat | Progress | Log | Done | Cancelled | Failed, Field(discriminator="type")]
TO_WORKER: TypeAdapter[ToWorker] = TypeAdapter(ToWorker)
TO_HOST: TypeAdapter[ToHost] = TypeAdapter(ToHost)


def encode(message: Record) -> bytes:
    """Return the frame of a message.

    Raises
    ------
    PluginError
        When the message is larger than a frame may be.
    """
    body = message.model_dump_json().encode()
    if len(body) > MAXIMUM_FRAME:
        raise PluginError(
            "a message between host and worker is too large",
            code="worker.frame-size",
            hint="Arrays and long texts belong into files of the job's folder.",
        )
    return _LENGTH.pack(len(body)) + body


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one frame's body; None at a clean end of the stream.

    Raises
    ------
    PluginError
        When the frame is larger than allowed or the stream ends inside it.
    """
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else MAXIMUM_FRAME + 1
    body = stream.read(length) if length <= MAXIMUM_FRAME else b""
    if len(body) != length:
        raise PluginError(
            "the conversation between host and worker broke off or is not in the agreed form",
            code="worker.frame",
            hint="Start the job again; if it happens again, report it with the plug-in's name.",
        )
    return body


def decode_to_host(body: bytes) -> ToHost:
    """Parse what a worker sent.

    Raises
    ------
    PluginError
        When it is not one of the messages above.
    """
    try:
        return TO_HOST.validate_json(body)
    except ValidationError as error:
        raise PluginError(
            "the worker sent something that is not a message",
            code="worker.message",
            hint="The plug-in may write to the pipes that belong to medtransfer: report it to its author.",
        ) from error


def decode_to_worker(body: bytes) -> ToWorker:
    """Parse what the host sent; raises pydantic's ValidationError, which in a worker is a bug of ours."""
    return TO_WORKER.validate_json(body)

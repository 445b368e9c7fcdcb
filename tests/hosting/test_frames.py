"""The frames between host and worker: what goes in comes out, and nothing else is let through."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.contract.messages import (
    MAXIMUM_FRAME,
    Log,
    Progress,
    Start,
    ToHost,
    decode_to_host,
    decode_to_worker,
    encode,
    read_frame,
)
from medtransfer.errors import PluginError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
PROGRESS = st.builds(
    Progress, job=TEXT, fraction=st.floats(0, 1), stage=TEXT, values=st.dictionaries(TEXT, FINITE, max_size=5)
)
LOG = st.builds(Log, job=TEXT, level=st.sampled_from(["debug", "info", "warning", "error"]), text=TEXT)


@given(st.lists(st.one_of(PROGRESS, LOG), max_size=6))
def test_messages_survive_the_pipe(messages: list[ToHost]) -> None:
    stream = io.BytesIO(b"".join(encode(message) for message in messages))
    arrived = []
    while (body := read_frame(stream)) is not None:
        arrived.append(decode_to_host(body))
    assert arrived == messages


@given(TEXT, TEXT)
def test_a_start_survives_the_pipe(job: str, folder: str) -> None:
    start = Start(job=job, verb="analyse", folder=folder)
    body = read_frame(io.BytesIO(encode(start)))
    assert body is not None
    assert decode_to_worker(body) == start


@given(st.binary(min_size=1, max_size=100))
def test_arbitrary_bytes_are_refused(junk: bytes) -> None:
    with pytest.raises(PluginError):
        decode_to_host(read_frame(io.BytesIO(junk)) or b"")


@given(PROGRESS, st.data())
def test_a_frame_cut_short_is_refused(message: Progress, data: st.DataObject) -> None:
    frame = encode(message)
    cut = data.draw(st.integers(1, len(frame) - 1))
    with pytest.raises(PluginError) as caught:
        read_frame(io.BytesIO(frame[:cut]))
    assert caught.value.code == "worker.frame"


def test_a_frame_above_the_cap_is_refused_without_reading_it() -> None:
    stream = io.BytesIO(struct.pack(">I", MAXIMUM_FRAME + 1) + b"x" * 100)
    with pytest.raises(PluginError):
        read_frame(stream)
    assert stream.tell() == 4


def test_a_message_above_the_cap_is_not_sent() -> None:
    with pytest.raises(PluginError) as caught:
        encode(Start(job="1", verb="analyse", folder="x" * MAXIMUM_FRAME))
    assert caught.value.code == "worker.frame-size"

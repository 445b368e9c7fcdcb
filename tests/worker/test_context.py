"""The context of a job: progress that is thinned but never loses its end, and cancellation."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.contract.manifest import read_manifest
from medtransfer.contract.messages import Cancelled, Log, Progress, decode_to_host, encode, read_frame
from medtransfer.contract.verbs import Context, JobCancelled
from medtransfer.result.model import Record
from medtransfer.worker import context as module
from medtransfer.worker.channel import Channel
from medtransfer.worker.context import JobContext, ProgressSender

ECHO = Path(__file__).resolve().parents[1] / "plugins" / "echo" / "medtransfer_echo"


class Recorder(Channel):
    """A channel without a process at its other end: it keeps what is sent, as it would arrive."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), io.BytesIO())
        self.sent: list[Record] = []

    def send(self, message: Record) -> None:
        body = read_frame(io.BytesIO(encode(message)))
        assert body is not None
        self.sent.append(decode_to_host(body))

    def cancel(self, job: str) -> None:
        self._cancelled.add(job)


@dataclass
class Clock:
    """Time that passes when told."""

    now: float = 100.0
    sender: ProgressSender | None = field(default=None)

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def channel() -> Recorder:
    return Recorder()


def make(channel: Recorder, folder: Path) -> JobContext:
    return JobContext(
        job="j",
        channel=channel,
        sender=ProgressSender(channel),
        manifest=read_manifest(ECHO),
        device="cpu",
        runtime="torch",
        threads=1,
        scratch=folder,
        checkpoints=folder,
        output=folder,
        cache=folder,
        weights={},
    )


def test_the_first_and_the_last_progress_arrive(
    channel: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    context: Context = make(channel, tmp_path)
    for step in range(100):
        context.progress(step / 99, f"step {step}")
        clock.now += 0.01
    context.sender.flush()  # type: ignore[attr-defined]  # what the runner does when the verb has ended
    stages = [message.stage for message in channel.sent if isinstance(message, Progress)]
    assert 10 <= len(stages) <= 12
    assert (stages[0], stages[-1]) == ("step 0", "step 99")


def test_nothing_is_sent_twice(channel: Recorder, tmp_path: Path) -> None:
    context = make(channel, tmp_path)
    context.progress(1.0, "done")
    context.sender.flush()
    context.sender.flush()
    assert len(channel.sent) == 1


@given(st.floats(), st.text(), st.floats())
def test_any_figure_and_any_text_can_be_sent(fraction: float, stage: str, value: float) -> None:
    channel = Recorder()
    make(channel, Path()).progress(fraction, stage, loss=value)
    [message] = channel.sent
    assert isinstance(message, Progress)
    assert 0.0 <= message.fraction <= 1.0
    assert message.values == ({"loss": value} if math.isfinite(value) else {})


def test_a_line_for_the_log_is_cut_to_what_a_message_may_hold(channel: Recorder, tmp_path: Path) -> None:
    make(channel, tmp_path).log("info", "x" * 100_000 + "\udfff")
    [message] = channel.sent
    assert isinstance(message, Log)
    assert len(message.text) == 4000


def test_check_raises_for_this_job_only(channel: Recorder, tmp_path: Path) -> None:
    context = make(channel, tmp_path)
    channel.cancel("another")
    context.check()
    channel.cancel("j")
    with pytest.raises(JobCancelled):
        context.check()
    assert not any(isinstance(message, Cancelled) for message in channel.sent)

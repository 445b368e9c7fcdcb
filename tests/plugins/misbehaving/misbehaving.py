"""A plug-in that breaks on demand: the first entry of ``explain`` names the way."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

from medtransfer.cohort.model import Cohort, Partition
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.requests import AnalyseRequest, LearnRequest
from medtransfer.contract.verbs import Context
from medtransfer.errors import DataError
from medtransfer.result.model import Passport, Result
from medtransfer.study.model import Image


class Misbehaving:
    """Does what the request says, then answers with an empty result."""

    def analyse(self, image: Image, model: ModelBundle, request: AnalyseRequest, ctx: Context) -> Result:
        """Misbehave."""
        WAYS[request.explain[0]](ctx)
        return Result(findings=(), source=request.source, passport=_passport(model, ctx))

    def learn(self, cohort: Cohort, split: Mapping[str, Partition], request: LearnRequest, ctx: Context) -> ModelBundle:
        """Be unreachable: the manifest says that this plug-in cannot learn."""
        raise AssertionError


def _behave(_: Context) -> None: ...


def _slow(ctx: Context) -> None:
    for step in range(1000):
        ctx.progress(step / 1000, "waiting")
        ctx.check()
        time.sleep(0.02)


def _deaf(ctx: Context) -> None:
    (ctx.scratch / "left-behind").write_text("x")
    ctx.progress(0.1, "not listening")
    while True:
        time.sleep(0.02)


def _exit(_: Context) -> None:
    sys.stderr.write("Reading /data/Doe_Jane/scan.dcm failed\n")
    sys.stderr.flush()
    os._exit(7)


def _crash(_: Context) -> None:
    ctypes.string_at(0)


def _system_exit(_: Context) -> None:
    sys.exit(0)


def _hog(ctx: Context) -> None:
    blocks = []
    ctx.progress(0.0, "filling")
    while True:
        blocks.append(os.urandom(1) * 20_000_000)
        time.sleep(0.02)


def _noisy(_: Context) -> None:
    sys.stdout.write("to standard output\n")
    sys.stdout.flush()
    os.write(1, b"\x00\x00\x00\x05junk!")
    subprocess.run([sys.executable, "-c", "print('a child prints')"], check=True)
    sys.stdin.read()


def _flood(ctx: Context) -> None:
    for step in range(20_001):
        ctx.progress(step / 20_000, "flooding", loss=float("nan"), step=step)


def _nonsense(ctx: Context) -> None:
    ctx.progress(float("nan"), "\ud800" * 10_000)
    ctx.log("info", "wrote /home/doe/Doe_Jane.dcm\x1b[31m")


def _data_error(_: Context) -> NoReturn:
    raise DataError("the picture is empty", code="test.empty", hint="Take another.", subject="Doe_Jane.png")


def _exception(_: Context) -> NoReturn:
    raise KeyError("Doe^Jane")


def _full_disk(_: Context) -> NoReturn:
    raise OSError(28, "No space left on device", "/home/doe/file")


def _no_memory(_: Context) -> NoReturn:
    raise MemoryError


def _garbage(ctx: Context) -> None:
    channel = ctx.channel  # type: ignore[attr-defined]  # reaches behind the contract on purpose
    channel._outgoing.write(b"\x00\x00\x00\x05junk!")
    channel._outgoing.flush()
    time.sleep(30)


def _huge_frame(ctx: Context) -> None:
    channel = ctx.channel  # type: ignore[attr-defined]  # reaches behind the contract on purpose
    channel._outgoing.write(b"\xff" * 4096)
    channel._outgoing.flush()
    time.sleep(30)


def _orphan(ctx: Context) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    ctx.log("info", f"child {child.pid}")
    _deaf(ctx)


WAYS: dict[str, Callable[[Context], None]] = {
    "behave": _behave,
    "slow": _slow,
    "deaf": _deaf,
    "exit": _exit,
    "crash": _crash,
    "system-exit": _system_exit,
    "hog": _hog,
    "noisy": _noisy,
    "flood": _flood,
    "nonsense": _nonsense,
    "data-error": _data_error,
    "exception": _exception,
    "full-disk": _full_disk,
    "no-memory": _no_memory,
    "garbage": _garbage,
    "huge-frame": _huge_frame,
    "orphan": _orphan,
}


def _passport(model: ModelBundle, ctx: Context) -> Passport:
    return Passport(
        plugin=ctx.manifest.id,
        plugin_version=ctx.manifest.version,
        model=model.card.name,
        model_sha256=model.sha256,
        parameters={},
        versions={},
        device=ctx.device,
        runtime=ctx.runtime,
        seed=1,
        created="2026-01-01T00:00:00+00:00",
    )

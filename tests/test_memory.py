"""Short memory is recognised by what the libraries really say, and nothing else is taken for it."""

from __future__ import annotations

import errno
import weakref

import numpy as np
import pytest

from medtransfer import memory
from medtransfer.errors import EnvironmentFailure


class OutOfMemoryError(RuntimeError):
    """Named like torch's own."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("HIP says it in words of its own"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        # What torch 2 and OpenVINO 2026 said in processes whose memory was limited.
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
            "allocate 28311552 bytes. Error code 12 (Cannot allocate memory)"
        ),
        RuntimeError(
            "Exception from src/inference/src/cpp/infer_request.cpp:224:\nException from src/plugins/intel_cpu/src/"
            "node.cpp:794:\nCheck 'ptr' failed at src/plugins/intel_cpu/src/cpu_memory.cpp:257:\nFailed to allocate "
            "16777216"
        ),
        RuntimeError("Exception from src/inference/src/dev/plugin.cpp:54:\nstd::bad_alloc"),
        RuntimeError("Exception from src/plugins/intel_cpu/src/node.cpp:823:\n[CPU] MVN node 'norm' can't alloc"),
        RuntimeError("unable to mmap 29178912 bytes from file <x>: Cannot allocate memory (12)"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_short_memory_is_recognised(error: BaseException) -> None:
    assert memory.exhausted(error)


def test_an_array_that_is_too_large_is_recognised() -> None:
    with pytest.raises(MemoryError) as caught:
        np.empty(2**60, np.uint8)
    assert memory.exhausted(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        OSError(errno.ENOSPC, "No space left on device"),
        ValueError("allocate"),
        EnvironmentFailure("out of memory", code="training.memory", hint="What was said already is not said again."),
    ],
)
def test_other_failures_are_not_taken_for_it(error: BaseException) -> None:
    assert not memory.exhausted(error)


class Cycle:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.itself = self


def test_what_nobody_uses_is_given_back() -> None:
    gone = weakref.ref(Cycle())
    memory.release()
    assert gone() is None

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Threads that hold memory at once, which gives each a heap of its own unless they share one.
PROGRAM = """
import ctypes, threading
from pathlib import Path
from medtransfer.gui import heap
if {shared}:
    assert heap.share()
gate = threading.Barrier(5)
malloc = ctypes.CDLL(None).malloc
def hold():
    malloc(100_000)
    gate.wait()
threads = [threading.Thread(target=hold) for _ in range(4)]
for thread in threads:
    thread.start()
gate.wait()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps for each thread")
def test_threads_share_one_heap() -> None:
    heaps = {}
    for shared in (False, True):
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(shared=shared)], capture_output=True, text=True, check=True
        )
        heaps[shared] = ended.stderr.count("Arena ")
    assert heaps[False] > 1
    assert heaps[True] == 1

"""What a worker tells about an exception: whose fault, and what to do, without paths or patient data."""

from __future__ import annotations

import errno

import pytest

from medtransfer.contract.messages import TO_HOST, encode
from medtransfer.errors import DataError, MedTransferError, PluginError
from medtransfer.worker.failures import failure


class OutOfMemoryError(RuntimeError):
    """Named like torch's own, which is not imported here."""


class SafetensorError(Exception):
    """Named like the one of safetensors, which tells of a full disk in words only."""


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "environment", "disk.full"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "environment", "disk.full"),
        (MemoryError(), "environment", "worker.memory"),
        (OutOfMemoryError("CUDA out of memory"), "environment", "worker.memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "environment", "worker.memory"),
        (ModuleNotFoundError("x", name="monai"), "plugin", "plugin.import"),
        (PermissionError(13, "denied", "/home/doe"), "plugin", "plugin.exception"),
        (ValueError("Doe^Jane"), "plugin", "plugin.exception"),
        (SystemExit(0), "plugin", "plugin.exception"),
        (MedTransferError("m", code="some.code", hint="h"), "plugin", "some.code"),
    ],
)
def test_every_exception_has_a_kind_a_code_and_a_hint(error: BaseException, kind: str, code: str) -> None:
    failed = failure(error, "job")
    assert (failed.job, failed.kind, failed.code) == ("job", kind, code)
    assert failed.hint
    assert not any(secret in failed.message + failed.hint for secret in ("Doe", "/home", "secret"))


def test_the_type_is_named() -> None:
    assert "ValueError" in failure(ValueError("secret")).message


def test_our_own_errors_keep_their_fields() -> None:
    failed = failure(DataError("wrong", code="a.b", hint="mend", subject="row 3"), "job")
    assert (failed.message, failed.code, failed.hint, failed.subject) == ("wrong", "a.b", "mend", "row 3")


def test_the_trace_names_files_without_folders_and_causes_first() -> None:
    with pytest.raises(PluginError) as caught:
        _raise_chained()
    trace = failure(caught.value).trace
    assert trace.index("ZeroDivisionError") < trace.index("which led to:") < trace.index("PluginError")
    assert "test_failures.py:" in trace
    assert "/" not in trace.replace("1 / 0", "")


def _raise_chained() -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        raise PluginError("m", code="c", hint="h") from error


def test_unsendable_texts_are_mended() -> None:
    failed = failure(DataError("\ud800" * 10_000, code="c", hint="h", subject="caf\udce9.png"))
    assert TO_HOST.validate_json(encode(failed)[4:]) == failed
    assert len(failed.message) == 4000

"""How a worker's process ended, in words."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from medtransfer.errors import PluginError

_NATIVE_CRASHES = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE"}
_WINDOWS = {  # NTSTATUS values, Microsoft [MS-ERREF] 2.3.1
    0xC0000005: "it crashed in native code (access violation)",
    0xC0000017: "it ran out of memory",
    0xC00000FD: "it crashed with a stack overflow",
    0xC0000409: "it crashed in native code (stack buffer overrun)",
}


def died(exit_code: int | None, resident_mib: float, last_lines: Sequence[str]) -> PluginError:
    """Return the error for a worker that ended on its own.

    Parameters
    ----------
    exit_code
        As ``subprocess`` reports it: negative for a signal; None when the process closed its pipes and had to be ended.
    resident_mib
        The memory it held when it last said so.
    last_lines
        What it last wrote to its standard error, already without paths; attached as a note for the screen.
    """
    error = PluginError(
        f"the plug-in's process ended unexpectedly: {_how(exit_code, resident_mib)}",
        code="worker.died",
        hint="Run the job again: a new process is started. If it ends again, report it to the plug-in's author.",
    )
    if last_lines:
        error.add_note("The last lines of the plug-in's process:\n" + "\n".join(last_lines))
    return error


def _how(exit_code: int | None, resident_mib: float) -> str:
    if exit_code is None:
        return "it broke off the conversation"
    if sys.platform == "win32" and exit_code & 0xFFFFFFFF in _WINDOWS:
        return _WINDOWS[exit_code & 0xFFFFFFFF]
    if exit_code >= 0:
        return f"it left with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    if name == "SIGKILL":
        return (
            f"it was killed from outside (SIGKILL) while holding {resident_mib:,.0f} MiB; "
            "most often the system does that when memory runs out"
        )
    if name in _NATIVE_CRASHES:
        return f"it crashed in native code ({name})"
    return f"it was ended by {name}"

"""The errors of medtransfer: whose fault it is, what happened, and what to do about it.

Five kinds, because a person's next step differs for each: the data are wrong, the machine is in the way, a plug-in
failed, the request cannot be met, or medtransfer itself has a bug. Every error carries a stable ``code``, a ``message``
and a ``hint``. The message and the hint never contain a path, a name or an identifier from the data: those go into
``subject``, which is shown to the person at the screen and never written to a log.
"""

from __future__ import annotations


class MedTransferError(Exception):
    """Base of every error that medtransfer raises on purpose.

    Parameters
    ----------
    message
        What is wrong, in one sentence, free of patient data and of paths.
    code
        Stable and dotted, for scripts and for the manual: ``"study.truncated"``.
    hint
        What the reader can do about it, in one sentence.
    subject
        The file, row, label or option concerned. For the screen only: it may name a patient.
    """

    kind = "error"

    def __init__(self, message: str, *, code: str, hint: str, subject: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.subject = subject

    def shown(self) -> str:
        """Return the text for the person at the screen: subject, message, hint, and notes such as a traceback."""
        head = f"{self.subject}: {self.message}" if self.subject else self.message
        return "\n".join([head, *([self.hint] if self.hint else []), *getattr(self, "__notes__", [])])


class DataError(MedTransferError):
    """A file, a table or an image is not what it should be."""

    kind = "data"


class EnvironmentFailure(MedTransferError):
    """The machine is in the way: a full disk, missing memory, a missing library, no permission."""

    kind = "environment"


class PluginError(MedTransferError):
    """A plug-in is unusable, misbehaved, or its process died."""

    kind = "plugin"


class UserError(MedTransferError):
    """The request cannot be met as it was made."""

    kind = "user"


class InternalError(MedTransferError):
    """A bug of medtransfer itself: please report it with the diagnostics."""

    kind = "bug"

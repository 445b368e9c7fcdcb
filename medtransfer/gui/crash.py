"""When the window itself has a bug: keep the session, say so, and end with an exit code that is not zero."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout

from medtransfer import __version__, logs
from medtransfer.gui import diagnostics, parts, theme

EXIT_CODE = 1


class CrashHook:
    """Takes the place of ``sys.excepthook``: Qt calls it for what is raised in a slot.

    Parameters
    ----------
    keep
        Keeps the session.
    """

    def __init__(self, keep: Callable[[], None]) -> None:
        self._keep = keep
        self._busy = False

    def install(self) -> None:
        """Be called from now on."""
        sys.excepthook = self

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Keep, show, end."""
        if self._busy or issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self._busy = True
        sys.__excepthook__(kind, error, trace)
        try:
            logs.event("window.crash", kind=kind.__name__.lower())
            self._keep()
            CrashDialog(error.with_traceback(trace)).exec()
        finally:
            QApplication.exit(EXIT_CODE)


class CrashDialog(QDialog):
    """Says what happened, and offers to copy it without patient data."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.setWindowTitle("medtransfer has to end")
        self.resize(theme.spacing(70), theme.spacing(44))
        self.trace = QPlainTextEdit(f"medtransfer {__version__}\n{diagnostics.trace_of(error)}")
        self.trace.setReadOnly(True)
        self.trace.setFont(theme.font(theme.SMALL_SIZE))
        self.trace.setAccessibleName("Where it happened")
        self.copy = parts.button("Copy", self._copy)
        self.end = parts.button("End", self.accept, "primary")
        row = QHBoxLayout()
        row.addWidget(self.copy)
        row.addStretch(1)
        row.addWidget(self.end)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.spacing(3)] * 4)
        column.setSpacing(theme.spacing(1.5))
        column.addWidget(parts.title("A fault in medtransfer"))
        column.addWidget(
            parts.label(
                "This is our mistake, not yours. What you had open is kept and comes back at the next start;"
                " a training goes on where it stopped. Please report the lines below: they hold no patient data."
            )
        )
        column.addWidget(self.trace)
        column.addLayout(row)
        theme.dress(self)
        self.end.setFocus()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.trace.toPlainText())
        self.copy.setText("Copied")

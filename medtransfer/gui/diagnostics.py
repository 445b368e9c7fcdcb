"""Diagnostics that can be handed to anyone: what is installed and what happened, with nothing from any study."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from medtransfer import __version__
from medtransfer.errors import MedTransferError
from medtransfer.gui import parts, theme
from medtransfer.gui.background import Job, State
from medtransfer.gui.context import Context
from medtransfer.gui.log_view import row_of

_PACKAGES = ("PySide6_Essentials", "numpy", "pydicom", "nibabel", "pydantic", "torch", "timm", "openvino")
_EVENTS = 40


def gather(context: Context, screen: str) -> str:
    """Return the diagnostics as text. Reads the store: call it off the window's thread.

    Everything that may name a person is left out: paths, the machine's and the user's name, what errors were about.
    """
    lines = [
        "medtransfer diagnostics",
        "",
        f"medtransfer {__version__}, Python {platform.python_version()}, Qt {qVersion()}",
        f"{platform.system()} {platform.release()}, {platform.machine()}, {screen}",
        *(f"{name} {_version(name)}" for name in _PACKAGES),
        "",
        *(f"setting {name} = {context.settings.get(name)}" for name in context.settings.names()),
        "",
        *_plugins(context),
        *_store(context),
        "",
        *_jobs(context.background.jobs),
        "",
        f"latest {_EVENTS} events",
        *_events(context.home.logs),
    ]
    return "\n".join(lines) + "\n"


def describe_screen() -> str:
    """Return the screen's size and scale; on the window's thread."""
    screen = QGuiApplication.primaryScreen()
    size = screen.size()
    return f"{QGuiApplication.platformName()} {size.width()} x {size.height()} at {screen.devicePixelRatio():g}"


def trace_of(error: BaseException) -> str:
    """Return where an error came from: kinds, modules, lines, functions, but no message, which could quote a file."""
    lines = []
    link: BaseException | None = error
    while link is not None:
        lines.append(type(link).__name__ + (f" {link.code}" if isinstance(link, MedTransferError) else ""))
        step = link.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            lines.append(f"  {Path(code.co_filename).stem}:{step.tb_lineno} {code.co_qualname}")
            step = step.tb_next
        link = link.__cause__
    return "\n".join(lines) + "\n"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _plugins(context: Context) -> Iterator[str]:
    from medtransfer.hosting import catalogue

    for entry in catalogue.find(context.home.root):
        version = entry.manifest.version if entry.manifest is not None else "?"
        state = "unusable" if entry.reason else "on" if entry.enabled else "off"
        yield f"plug-in {entry.id} {version}, {entry.origin}, {state}"


def _store(context: Context) -> Iterator[str]:
    from medtransfer.store import jobs, models

    try:
        yield f"models {len(models.list_models(context.home))}"
        counts = Counter(f"{job.verb} {job.state} {job.error}".strip() for job in jobs.list_jobs(context.home))
        yield from (f"recorded jobs: {count} x {what}" for what, count in sorted(counts.items()))
    except MedTransferError as error:
        yield f"the store answers with {error.code}"


def _jobs(jobs: list[Job]) -> Iterator[str]:
    for job in jobs:
        if job.error is not None and job.state is State.FAILED:
            yield f"failed in this window: {job.error.kind} {job.error.code}"
            if job.error.__cause__ is not None:
                yield trace_of(job.error.__cause__).rstrip()


def _events(folder: Path) -> Iterator[str]:
    files = sorted(folder.glob("*.jsonl"))
    if files:
        with files[-1].open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - 64 * 1024))
            lines = stream.read().decode("utf-8", "replace").splitlines()
        yield from ("  ".join(row) for row in map(row_of, lines[-_EVENTS:]) if row is not None)


class DiagnosticsDialog(QDialog):
    """Shows what would be handed on, and copies it."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Diagnostics")
        self.resize(theme.spacing(80), theme.spacing(65))
        self.text = QPlainTextEdit("Gathering\u2026")
        self.text.setReadOnly(True)
        self.text.setFont(theme.font(theme.SMALL_SIZE))
        self.text.setAccessibleName("Diagnostics")
        self.copy = parts.button("Copy", self._copy, "primary")
        self.copy.setEnabled(False)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(parts.button("Close", self.close))
        row.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.spacing(2)] * 4)
        column.setSpacing(theme.spacing(1.5))
        column.addWidget(
            parts.label("This is what you copy. It holds no patient data, no names and no paths; read it first.")
        )
        column.addWidget(self.text)
        column.addLayout(row)
        theme.dress(self)
        screen = describe_screen()
        context.background.run("Gathering diagnostics", lambda _job: gather(context, screen), self._show, self._fail)

    def _show(self, text: str) -> None:
        self.text.setPlainText(text)
        self.copy.setEnabled(True)

    def _fail(self, error: MedTransferError) -> None:
        self.text.setPlainText(error.shown())

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.copy.setText("Copied")

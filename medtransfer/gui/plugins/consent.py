"""Before a plug-in is installed: what it is, what it asks for, and the person's word that they trust it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QProgressBar

from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.plugins.card import add_manifest
from medtransfer.hosting.install import Inspection
from medtransfer.work.report.numbers import counted

WARNING = (
    "A plug-in is a program. It runs in a process of its own, but with your rights on this computer: it could read "
    "your files and those of your patients. Install it only if you trust where it comes from."
)


class ConsentPage(pages.Page):
    """The page. ``agreed`` and ``refused`` are the person's answer, ``stopped`` their wish while it is installed."""

    agreed = Signal()
    refused = Signal()
    stopped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.inspection: Inspection | None = None
        self.trust = QCheckBox("I trust where it comes from")
        self.install = parts.button("Install", self.agreed.emit, "primary")
        self.cancel = parts.button("Do not install", self.refused.emit)
        self.stop = parts.button("Stop", self.stopped.emit)
        self.stage = parts.label("", "muted")
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress of the installation")
        self.trouble = parts.label("", "danger")
        self.trust.toggled.connect(self.install.setEnabled)
        self._source = parts.label("", "muted")
        frame, column = parts.card("warning")
        column.addWidget(parts.label("Before you install it", "warning", weight=theme.SEMIBOLD))
        column.addWidget(parts.label(WARNING))
        for widget in (parts.heading("Install"), self._source, frame, self.trust, self.stage, self.bar, self.trouble):
            self.side.addWidget(widget)
        for button in (self.install, self.cancel, self.stop):
            self.side.addWidget(button)
        self.side.addStretch(1)

    def show_inspection(self, found: Inspection) -> None:
        """Show what was found in a wheel or folder; nothing of it has run."""
        self.inspection = found
        manifest = found.manifest
        self._source.setText(found.source.name)
        pages.clear(self.body)
        self.body.addWidget(parts.title(f"Install {manifest.name} {manifest.version}?"))
        add_manifest(self.body, manifest)
        self.body.addSpacing(theme.spacing(1))
        self.body.addWidget(parts.heading("What will be installed"))
        self.body.addWidget(
            pages.facts(
                {
                    "Plug-in": f"{manifest.id}, distribution {found.distribution}",
                    "Needs": ", ".join(found.requires) or "nothing else",
                    "Size": f"{counted(len(found.files), 'file')}, {max(found.size / 1e6, 0.1):,.1f} MB",
                    "SHA-256": found.sha256,
                }
            )
        )
        self.trust.setChecked(False)
        self._show_running(running=False)
        self.trouble.hide()

    def watch(self, job: Job) -> None:
        """Show the progress of the installation."""
        self._show_running(running=True)
        self.trouble.hide()
        self.stage.setText("Starting")
        self.bar.setRange(0, 0)
        job.progressed.connect(self._hear)

    def show_trouble(self, error: MedTransferError) -> None:
        """Say why it was not installed."""
        self._show_running(running=False)
        self.trouble.setText(error.shown())
        self.trouble.show()

    def _hear(self, stage: str, fraction: float | None, _values: object) -> None:
        self.stage.setText(f"{stage[:1].upper()}{stage[1:]}")
        self.bar.setRange(0, 0 if fraction is None else 100)
        self.bar.setValue(round(100 * (fraction or 0.0)))

    def _show_running(self, *, running: bool) -> None:
        for widget in (self.stage, self.bar, self.stop):
            widget.setVisible(running)
        for asked in (self.trust, self.install, self.cancel):
            asked.setVisible(not running)
        self.install.setEnabled(self.trust.isChecked())

"""The first start: open something, drop something, or watch the demo."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from medtransfer.gui import icons, parts, theme
from medtransfer.gui.background import Job, State
from medtransfer.gui.jobs_panel import state_in_words

_WIDTH = 560


class Welcome(QScrollArea):
    """What one sees when nothing was ever opened. While the demo runs, this page follows it."""

    def __init__(
        self, open_files: Callable[[], None], open_folder: Callable[[], None], demo: Callable[[], None]
    ) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Welcome")
        page = QWidget()
        page.setObjectName("ground")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(page)
        middle = QWidget()
        middle.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(middle)
        column.setSpacing(theme.spacing(2))
        column.setContentsMargins(theme.spacing(2), theme.spacing(2), theme.spacing(2), theme.spacing(2))
        column.addWidget(parts.title("Read a study, see why, and teach it"))
        column.addWidget(
            parts.label(
                "Open photographs, radiographs or a CT, have a network say what it finds and show where it looked,"
                " and adapt it to your own patients. Everything stays on this computer.",
                "muted",
            )
        )
        column.addWidget(self._open_box(open_files, open_folder))
        column.addWidget(self._demo_box(demo))
        column.addWidget(
            parts.label("Research use only: not a medical device.", "muted", theme.SMALL_SIZE),
        )
        outer = QHBoxLayout(page)
        outer.addStretch(1)
        outer.addWidget(middle, stretch=8, alignment=Qt.AlignmentFlag.AlignVCenter)
        outer.addStretch(1)

    def follow(self, job: Job) -> None:
        """Show how far the demo is, and how it ended if it did not get to its end."""
        self._job = job
        self.demo.setEnabled(False)
        self.stop.show()
        self.progress.show()
        job.progressed.connect(self._show_progress)
        job.ended.connect(self._end)
        self._say(state_in_words(job))

    def hover(self, *, over: bool) -> None:
        """Show that what is being dragged may be dropped."""
        parts.restyle(self.drop, "over", "true" if over else "false")

    def _open_box(self, open_files: Callable[[], None], open_folder: Callable[[], None]) -> QFrame:
        self.drop = QFrame()
        self.drop.setProperty("kind", "drop")
        column = QVBoxLayout(self.drop)
        column.setContentsMargins(*[theme.spacing(3)] * 4)
        column.setSpacing(theme.spacing(1.5))
        column.addWidget(parts.label("Drop files or folders here", size=15, weight=theme.SEMIBOLD))
        column.addWidget(parts.label("DICOM, NIfTI, PNG, JPEG and TIFF. Nothing is changed or copied.", "muted"))
        row = QHBoxLayout()
        self.open = parts.button("Open files\u2026", open_files, "primary")
        self.open_folder = parts.button("Open a folder\u2026", open_folder)
        row.addWidget(self.open)
        row.addWidget(self.open_folder)
        row.addStretch(1)
        column.addLayout(row)
        return self.drop

    def _demo_box(self, demo: Callable[[], None]) -> QFrame:
        frame, column = parts.card()
        column.setContentsMargins(*[theme.spacing(3)] * 4)
        column.setSpacing(theme.spacing(1.5))
        head = QHBoxLayout()
        head.addWidget(parts.label("Or try the demo", size=15, weight=theme.SEMIBOLD), stretch=1)
        column.addLayout(head)
        self.about = parts.label(
            "It adapts a network to photographs of the retina, tests it on patients that were kept apart, and shows a"
            " photograph with what was found. It takes a few minutes and can be stopped.",
            "muted",
        )
        column.addWidget(self.about)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the demo")
        self.progress.setTextVisible(False)
        self.progress.hide()
        column.addWidget(self.progress)
        row = QHBoxLayout()
        self.demo = parts.button("Try the demo", demo)
        icons.put(self.demo, "play", "text")
        self.stop = parts.button("Stop", self._stop)
        self.stop.hide()
        row.addWidget(self.demo)
        row.addWidget(self.stop)
        row.addStretch(1)
        column.addLayout(row)
        return frame

    def _stop(self) -> None:
        self._job.cancel()
        self._say("Stopping\u2026")

    def _show_progress(self, _stage: str, fraction: float | None, _values: object) -> None:
        self.progress.setRange(0, 0 if fraction is None else 100)
        self.progress.setValue(round(100 * (fraction or 0)))
        self._say(state_in_words(self._job))

    def _end(self, job: Job) -> None:
        self.demo.setEnabled(True)
        self.stop.hide()
        self.progress.hide()
        if job.state is State.FAILED and job.error is not None:
            self._say(job.error.shown())
        elif job.state is State.STOPPED:
            self._say("The demo was stopped. Started again, it goes on from there.")

    def _say(self, text: str) -> None:
        self.about.setText(text[:1].upper() + text[1:])

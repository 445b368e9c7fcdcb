"""The demo, started from the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medtransfer.gui.background import Job
from medtransfer.gui.context import Context

if TYPE_CHECKING:
    from medtransfer.work.demo import Shown

TITLE = "Demo"
FOLDER = "demo"


def start(context: Context) -> Job:
    """Run the demo in the store's folder; at its end the reading space shows the analysed photograph."""

    def work(job: Job) -> Shown:
        from medtransfer.work.demo import demo
        from medtransfer.work.learn import unseen
        from medtransfer.work.session import Session

        def say(step: str) -> None:
            job.on_progress(step, None, {})

        options = context.settings.worker_options()
        with Session(context.home, job.on_progress, job.cancelled, options) as session:
            return demo(session, None, (), context.home.root / FOLDER, say, unseen)

    def show(shown: Shown) -> None:
        context.events.models_changed.emit()
        context.events.show_result.emit(shown.analysed[0].folder)

    return context.background.run(
        TITLE, work, show, closing="The demo is running. Started again, it goes on where it stopped."
    )

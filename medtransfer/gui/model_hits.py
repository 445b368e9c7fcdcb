"""The published models, as the search field finds them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medtransfer.gui.context import Context
from medtransfer.gui.search import Hit

if TYPE_CHECKING:
    from medtransfer.gui.background import Job
    from medtransfer.store.models import StoredModel


class ModelHits(QObject):
    """Keeps the list of models at hand, since a search must not wait for the store."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._hits: list[Hit] = []
        context.search.add(lambda: self._hits)
        context.events.models_changed.connect(self.read)

    def read(self) -> None:
        """Read the list again, off the window's thread."""
        self._context.background.run("Reading the list of models", self._list, self._keep)

    def _list(self, job: Job) -> list[StoredModel]:  # noqa: ARG002 - what background work is called with
        from medtransfer.store import models

        return models.list_models(self._context.home)

    def _keep(self, found: list[StoredModel]) -> None:
        self._hits = [
            Hit("Model", model.reference, f"for {model.plugin}", partial(self._show, model.reference))
            for model in found
        ]

    def _show(self, reference: str) -> None:
        self._context.events.show_space.emit("models")
        self._context.events.show_model.emit(reference)

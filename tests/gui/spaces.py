"""A space for tests of the frame: it remembers what it was told."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget


class FakeSpace:
    """Shows a line of text, which is also its state."""

    def __init__(self, space_id: str = "read", title: str = "Read") -> None:
        self.id = space_id
        self.title = title
        self.closable = True
        self._line: QLineEdit | None = None

    @property
    def line(self) -> QLineEdit:
        if self._line is None:
            self._line = QLineEdit()
        return self._line

    def widget(self) -> QWidget:
        return self.line

    def state(self) -> dict[str, object]:
        return {"text": self.line.text()}

    def restore(self, state: dict[str, object]) -> None:
        self.line.setText(str(state["text"]))

    def may_close(self) -> bool:
        return self.closable


def fakes() -> list[FakeSpace]:
    titles = {"read": "Read", "learn": "Learn", "models": "Models", "plugins": "Plug-ins"}
    return [FakeSpace(space_id, title) for space_id, title in titles.items()]

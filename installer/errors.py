"""What can be said to a person when the set-up cannot go on."""

from __future__ import annotations


class SetupError(Exception):
    """The set-up stops here: ``message`` says why, ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

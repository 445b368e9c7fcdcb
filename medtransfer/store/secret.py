"""The secret that pseudonyms are made with: in the home, so that every run gives a patient the same one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from medtransfer.errors import UserError
from medtransfer.store.home import Home

_BYTES = 32
_MINIMUM = 16


def own(home: Home) -> bytes:
    """Return the home's secret; the first call makes it, readable by its owner alone.

    Raises
    ------
    UserError
        When the file that holds it is damaged.
    """
    path = home.prepare().root / "deidentification.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return given(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    return given(path)


def given(path: Path) -> bytes:
    """Return the secret in a file: its content without blanks around it.

    Raises
    ------
    UserError
        When there is no such file, or it is too short to keep anything secret.
    """
    try:
        content = path.read_bytes().strip()
    except OSError as error:
        raise UserError(
            "the file with the secret cannot be read",
            code="deidentify.secret",
            hint="Check the path, and whether you may read it.",
            subject=str(path),
        ) from error
    if len(content) < _MINIMUM:
        raise UserError(
            f"the secret must have {_MINIMUM} characters at least",
            code="deidentify.secret",
            hint="Choose a longer one; 64 random hexadecimal digits are a good choice.",
            subject=str(path),
        )
    return content

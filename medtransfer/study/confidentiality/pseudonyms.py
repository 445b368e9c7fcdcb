"""Replacements that are the same wherever the same original occurs, and that nobody can undo without the secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from datetime import datetime, timedelta

_DAYS = 3650
_DATE = re.compile(r"(\d{8})((?:\d{2}){0,3}(?:\.\d{1,6})?(?:[+-]\d{4})?)", re.ASCII)
_WELL_KNOWN = "1.2.840.10008."  # DICOM's own root: SOP classes, transfer syntaxes, atlas frames of reference


class Pseudonyms:
    """Maps identifiers by HMAC-SHA-256 (RFC 2104) with a secret of its owner.

    Parameters
    ----------
    secret
        At least 16 bytes. The same secret gives the same replacements in every run.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("the secret must have 16 bytes at least")
        self._secret = secret

    def digest(self, kind: str, original: str) -> bytes:
        """Return 32 bytes that stand for an original of some kind."""
        return hmac.new(self._secret, f"{kind}\0{original}".encode("utf-8", "surrogateescape"), hashlib.sha256).digest()

    def uid(self, original: str) -> str:
        """Return a UID below 2.25, the root for UIDs made from UUIDs (PS3.5 B.2); DICOM's own UIDs stay."""
        if original.startswith(_WELL_KNOWN):
            return original
        return f"2.25.{uuid.UUID(bytes=self.digest('uid', original)[:16], version=4).int}"

    def patient(self, identity: str) -> str:
        """Return what replaces a patient's id and name: ``P-`` and twelve digits."""
        return f"P-{self.digest('patient', identity).hex()[:12].upper()}"

    def days(self, identity: str) -> int:
        """Return by how many days all dates of a patient move: -1 to -3650."""
        return -1 - int.from_bytes(self.digest("days", identity)[:8]) % _DAYS


def shifted(date: str, days: int) -> str:
    """Move a DICOM date or date-time (PS3.5 6.2, from the day on) by whole days; empty when it is neither."""
    found = _DATE.fullmatch(date.strip())
    if not found:
        return ""
    try:
        moved = datetime.strptime(found[1], "%Y%m%d").date() + timedelta(days)
    except (ValueError, OverflowError):
        return ""
    return moved.isoformat().replace("-", "") + found[2]

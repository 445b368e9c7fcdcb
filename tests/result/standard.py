"""What the standard's validator says of a DICOM object: ``dciodvfy`` of Debian's dicom3tools."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def complaints(path: Path) -> list[str]:
    """Return the validator's errors and warnings, each beginning with that word; the test is skipped without it."""
    validator = shutil.which("dciodvfy")
    if validator is None:
        pytest.skip("dciodvfy is absent: install Debian's dicom3tools")
    said = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False).stderr
    assert "Segmentation" in said  # it recognised the object
    return [line for line in said.splitlines() if line.startswith(("Error", "Warning"))]

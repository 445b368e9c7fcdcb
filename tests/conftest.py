"""Fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real images that lies beside a development checkout; tests that need it are skipped without it."""
    folder = Path(os.environ.get("MEDTRANSFER_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the folder of real images is absent: set MEDTRANSFER_DATA")
    return folder

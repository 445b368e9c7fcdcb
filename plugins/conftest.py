"""What the plug-ins' tests share: the folder of real images, and plug-ins that need not be installed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conftest import data_folder

__all__ = ["data_folder"]

# At the end: each of these folders holds a `tests` of its own, which must not hide medtransfer's.
sys.path.extend(str(manifest.parent) for manifest in sorted(Path(__file__).parent.glob("*/pyproject.toml")))

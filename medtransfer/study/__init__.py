"""What came off the scanner: open it, check it, know where every voxel lies.

Importing this module is cheap: pydicom, nibabel and Pillow are imported when the first file of their kind is opened.
"""

from __future__ import annotations

from medtransfer.study.model import Check, Image, Level, Series, Study, Window
from medtransfer.study.opening import Scan, open, scan  # noqa: A004 (read as study.open)

__all__ = ["Check", "Image", "Level", "Scan", "Series", "Study", "Window", "open", "scan"]

"""Display windows with names, for Hounsfield units."""

from __future__ import annotations

from medtransfer.study.model import Window

# Centre and width as radiologists commonly set them: W. Herring, Learning Radiology, 4th edition (2019), chapter 1, and
# Radiopaedia, "Windowing (CT)".
HOUNSFIELD = (
    Window(-600.0, 1500.0, "Lung"),
    Window(40.0, 400.0, "Soft tissue"),
    Window(400.0, 1800.0, "Bone"),
    Window(40.0, 80.0, "Brain"),
)

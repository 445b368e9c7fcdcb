"""Running a network fast and explaining what it saw: runtimes, tiles, Grad-CAM and the checks of its maps.

Importing this package imports torch, so only the worker wing does it.
"""

from __future__ import annotations

from medtransfer.inference.cam import GradCam, gradcam
from medtransfer.inference.seg_cam import MeanLogits, seg_gradcam
from medtransfer.inference.sliding import Segmenter, segment

__all__ = ["GradCam", "MeanLogits", "Segmenter", "gradcam", "seg_gradcam", "segment"]

"""What lies under the cursor, in words."""

from __future__ import annotations

from medtransfer.gui.canvas.measures import UNIT_NAMES, figure, true_minus
from medtransfer.gui.canvas.overlay import HeatmapLayer, SegmentationLayer
from medtransfer.gui.canvas.slices import Slicing, Voxel
from medtransfer.study.model import Image


def describe(
    image: Image,
    slicing: Slicing,
    voxel: Voxel,
    heatmap: HeatmapLayer | None,
    segmentation: SegmentationLayer | None,
) -> str:
    """Return the place and the value at array indices, and what the overlays say there.

    Volumes give ``i j k`` counted from 0, the place in the patient in mm (LPS) and the value; pictures ``x y`` and,
    where their size is known, mm from the top left corner. Empty outside the image.
    """
    nearest = tuple(round(place) for place in voxel)
    if not all(0 <= place < length for place, length in zip(nearest, slicing.shape, strict=True)):
        return ""
    parts = [_place(image, slicing, voxel, nearest), _value(image, nearest)]
    if heatmap is not None:
        parts.append(f"map {float(heatmap.array[nearest]):.2f}")
    if segmentation is not None:
        value = int(segmentation.array[nearest])
        if value in segmentation.visible and value in segmentation.names:
            parts.append(segmentation.names[value])
    return " · ".join(parts)


def _place(image: Image, slicing: Slicing, voxel: Voxel, nearest: tuple[int, ...]) -> str:
    lps = slicing.lps(voxel)
    if lps is not None:
        k, j, i = nearest
        x, y, z = (true_minus(f"{millimetres:.1f}") for millimetres in lps)
        return f"i {i} j {j} k {k} · LPS {x}, {y}, {z} mm"
    y_place, x_place = nearest
    text = f"x {x_place} y {y_place}"
    if image.pixel_spacing is not None:
        row_mm, column_mm = image.pixel_spacing
        text += f" · {(voxel[1] + 0.5) * column_mm:.1f}, {(voxel[0] + 0.5) * row_mm:.1f} mm"
    return text


def _value(image: Image, nearest: tuple[int, ...]) -> str:
    value = image.array[nearest]
    if image.meaning == "rgb":
        return "RGB " + " ".join(str(int(channel)) for channel in value)
    return ("value " if image.units != "HU" else "") + figure(float(value)) + UNIT_NAMES[image.units]

"""What is photographed: real images where they are, others elsewhere."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from PIL import Image as Pillow
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from medtransfer.cohort import phantom
from medtransfer.resources import resource


class Pictures:
    """What is photographed: real images where they are, others elsewhere."""

    def __init__(self, data: Path | None, folder: Path) -> None:
        self._data = data
        self._folder = folder

    def fundus(self) -> list[Path]:
        """Return photographs that the starter model never saw in training, the one that is shown first."""
        real = self._real("fundus/idrid/images/IDRiD_003.jpg", "fundus/idrid/images/IDRiD_165.jpg")
        return [*real, resource("demo/retina.jpg")]

    def chest(self) -> list[Path]:
        """Return a chest radiograph, if there is one."""
        return self._real("dicom/chest-cr/cr_monochrome2.dcm")

    def radiograph(self) -> list[Path]:
        """Return a chest radiograph of a patient whom the chest plug-in's starter never saw, if there is one."""
        return self._real("chest/nih/images/00007629_001.jpg")

    def radiographs(self) -> Path:
        """Return a folder of chest radiographs, or of generated pictures."""
        real = self._real("chest/nih/images")
        return real[0] if real else self.phantoms().parent

    def ct(self) -> Path:
        """Return a CT, or a block with a bone in it."""
        real = self._real("ct/ct_a.nii.gz")
        if real:
            return real[0]
        values = np.full((96, 96, 60), -1000, np.int16)
        values[12:84, 12:84, 4:56] = 40
        values[40:56, 40:56, 8:52] = 700
        path = self._folder / "block.nii.gz"
        nibabel.save(nibabel.Nifti1Image(values, np.diag([2.0, 2.0, 3.0, 1.0])), path)
        return path

    def cohort(self) -> Path:
        """Return a table of labelled photographs."""
        real = self._real("fundus/idrid/labels.csv")
        return real[0] if real else self.phantoms()

    def others(self) -> Path:
        """Return a table of labelled photographs without those of :meth:`fundus`, also under other names."""
        real = self._real("fundus/idrid/labels.csv")
        if not real:
            return self.phantoms()
        with real[0].open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        shown = {path.read_bytes() for path in self.fundus()}
        table = self._folder / "clinic.csv"
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image", "patient", "dr", "dme"])
            for row in rows:
                image = (real[0].parent / row["image"]).resolve()
                if image.read_bytes() not in shown:
                    writer.writerow([image, row["patient"], row["dr"], row["dme"]])
        return table

    def phantoms(self) -> Path:
        """Return a table of generated photographs."""
        return phantom.write_cohort(self._folder / "clinic", 160, seed=5)

    def rare_cohort(self) -> Path:
        """Return a table in which one finding has too few patients, and one column is unknown to the plug-in."""
        table = phantom.write_cohort(self._folder / "screening", 120, seed=7)
        head, *rows = table.read_text(encoding="utf-8").splitlines()
        lines = [f"{head},Glaucoma", *(f"{row},{int(number < 3)}" for number, row in enumerate(rows))]
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return table

    def bright_or_dark(self) -> Path:
        """Return a table of grey pictures for the plug-in for trouble."""
        folder = self._folder / "brightness"
        folder.mkdir(exist_ok=True)
        lines = ["image,patient,bright,dark"]
        for number in range(48):
            bright = number // 2 % 2
            value = 60 + 120 * bright + number
            Pillow.fromarray(np.full((64, 64, 3), value, np.uint8)).save(folder / f"{number}.png")
            lines.append(f"{number}.png,{number // 2},{bright},{1 - bright}")
        table = folder / "labels.csv"
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return table

    def white(self) -> Path:
        """Return a picture at which the plug-in for trouble ends its process."""
        path = self._folder / "overexposed.png"
        Pillow.fromarray(np.full((256, 256, 3), 255, np.uint8)).save(path)
        return path

    def fleeting(self) -> Path:
        """Return a photograph that may be deleted."""
        path = self._folder / "borrowed.jpg"
        path.write_bytes(resource("demo/retina.jpg").read_bytes())
        return path

    def gapped(self) -> Path:
        """Return a folder with a CT of which a slice is missing."""
        folder = self._folder / "gapped"
        folder.mkdir(exist_ok=True)
        slice_ = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        for number in (0, 1, 2, 3, 5, 6, 7, 8):
            slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            slice_.InstanceNumber = number + 1
            slice_.ImagePositionPatient[2] = 5.0 * number
            slice_.save_as(folder / f"{number}.dcm")
        return folder

    def many(self) -> Path:
        """Return a folder with so many pictures that opening it takes a while."""
        real = self._real("fundus/idrid/images")
        return real[0] if real else self.phantoms().parent

    def broken_cohort(self) -> Path:
        """Return a table with cases that cannot be learnt from."""
        table = phantom.write_cohort(self._folder / "unsorted", 120, seed=6)
        pictures = sorted(table.parent.rglob("*.png")) or sorted(table.parent.rglob("*.jpg"))
        pictures[3].write_bytes(b"no picture")
        lines = table.read_text(encoding="utf-8").splitlines()
        table.write_text("\n".join([*lines, lines[7]]) + "\n", encoding="utf-8")
        return table

    def _real(self, *names: str) -> list[Path]:
        found = [self._data / name for name in names] if self._data else []
        return [path for path in found if path.exists()]

"""A window for benchmarks: shown without a screen, watched, and fed with generated images."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image as Pillow
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)
from PySide6.QtCore import QEventLoop, QTimer

from medtransfer.contract.bundle import (
    CARD,
    BundleCard,
    BundleLabel,
    DataStatement,
    Preprocessing,
    file_sha256,
)
from medtransfer.contract.recipe import Recipe
from medtransfer.gui import heap, spaces, turns
from medtransfer.gui.app import make_context
from medtransfer.gui.collector import Collector
from medtransfer.gui.window import MainWindow
from medtransfer.store.home import Home
from tests.gui.watchdog import Gap, Watchdog

PATIENCE_S = 300.0
SLICES, SIDE = 300, 512


def wait(milliseconds: int) -> None:
    """Let the event loop run as the program does; QTest.qWait would keep Python's lock and so every other thread."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


class Stage:
    """The window, and how to wait for it."""

    def __init__(self, home: Home) -> None:
        self.context = make_context(home)
        self.window = MainWindow(self.context)
        heap.share()
        Collector(self.window).start()
        self.window.resize(1389, 868)
        self.window.show()
        wait(300)

    @property
    def read(self) -> Any:
        """The reading space, once it was shown."""
        return self.window.spaces[0]._space

    def get_ready(self) -> None:
        """Get ready as the program does: import in a thread, then build the reading space piece by piece."""
        names = [space.id for space in self.window.spaces]
        built: list[None] = []
        self.context.background.run("Getting ready", lambda _job: spaces.prefetch(*names))
        self.rest()
        turns.take(self.window.prepare("read"), self.window, built.append)
        self.until(lambda: built)

    def show(self, space_id: str) -> Any:
        """Show a space and return it."""
        self.window.show_space(space_id)
        self.rest()
        return next(space for space in self.window.spaces if space.id == space_id)._space

    def open(self, path: Path) -> None:
        """Open files, show the last series of the list, and wait until everything has come to rest."""
        before = self.read.studies.rowCount()
        self.window.open_paths([path])
        self.until(lambda: self.read.studies.rowCount() > before)
        self.rest()
        self.read.studies_panel.select(list(self.read.studies.entries())[-1])
        self.rest()
        self.until(lambda: self.read.reading.image is not None)

    def turn(self) -> None:
        """Let the event loop go round once."""
        wait(1)

    def until(self, true: Callable[[], object]) -> None:
        """Let the window live until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError
            wait(5)

    def rest(self) -> None:
        """Wait until no job runs and its signals have arrived."""
        for _ in range(2):
            self.until(lambda: not self.context.background.running())
            wait(30)

    def watched(self, act: Callable[[], object]) -> list[Gap]:
        """Do something from within the event loop, and return its gaps, the longest first."""
        with Watchdog() as watchdog:
            act()
            wait(50)
        return sorted(watchdog.gaps, reverse=True)

    def close(self) -> None:
        """Close the window."""
        if self.window.spaces[0].loaded:
            self.read.close()
        self.window.close()


def photograph(path: Path, width: int = 4288, height: int = 2848) -> Path:
    """Write a colour photograph with some detail, as JPEG."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (np.hypot(x - width / 2, y - height / 2) < height / 2).astype(np.uint8)
    noise = np.random.default_rng(1).integers(0, 40, (height, width), dtype=np.uint8)
    Pillow.fromarray(np.stack([disc * (160 + noise), disc * (60 + noise), disc * 20], axis=-1)).save(path, quality=92)
    return path


def series(folder: Path, slices: int = SLICES) -> Path:
    """Write a CT of one file for each slice, in HU."""
    folder.mkdir()
    study_uid, series_uid, frame = generate_uid(), generate_uid(), generate_uid()
    plane = np.random.default_rng(1).integers(-30, 30, (SIDE, SIDE), dtype=np.int16)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    for number in range(slices):
        body = np.hypot((x - 256) / 1.3, y - 256) < 120 + 60 * np.sin(number / 60)
        values = np.where(body, plane + 40, -1000).astype(np.int16)
        values[230:290, 240:280] += np.int16(600)
        _slice(folder / f"{number:04d}.dcm", values, number, study_uid, series_uid, frame)
    return folder


def radiograph(path: Path, rows: int = 4000, columns: int = 3000) -> Path:
    """Write a digital radiograph of 12 bits, as DICOM."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality, dataset.PatientID, dataset.PatientName = "DX", "generated", "Generated"
    dataset.ImagerPixelSpacing, dataset.InstanceNumber = [0.1, 0.1], 1
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    y, x = np.mgrid[0:rows, 0:columns]
    dataset.PixelData = ((x + y) % 4096).astype(np.uint16).tobytes()
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def table(folder: Path, patients: int = 24) -> Path:
    """Write labelled pictures and their table."""
    folder.mkdir()
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "bright", "dark"])
        for number in range(2 * patients):
            photograph(folder / f"{number}.jpg", 300 + number, 200)
            writer.writerow([f"{number}.jpg", f"patient {number // 2}", number // 2 % 2, 1 - number // 2 % 2])
    return folder / "labels.csv"


def echo_model(folder: Path) -> Path:
    """Write a model for the echo plug-in of the tests."""
    folder.mkdir()
    (folder / "weights.txt").write_text("none\n", encoding="utf-8")
    card = BundleCard(
        name="sample",
        plugin="test.echo",
        plugin_version="1.2.0",
        created="2026-01-01T00:00:00+00:00",
        labels=[BundleLabel(id="bright", name="Bright"), BundleLabel(id="dark", name="Dark")],
        backbone="none",
        preprocessing=Preprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        recipe=Recipe(),
        weights=[],
        data=DataStatement(
            fingerprint="0" * 64, split_sha256="0" * 64, cases=9, patients=9, train=3, validation=3, test=3
        ),
        versions={},
        seed=1,
        files={"weights.txt": file_sha256(folder / "weights.txt")},
    )
    (folder / CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")
    return folder


def _slice(path: Path, values: np.ndarray, number: int, study_uid: str, series_uid: str, frame: str) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study_uid, series_uid, frame
    dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", "generated", "Generated"
    dataset.SeriesDescription, dataset.InstanceNumber = "Generated CT", number + 1
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0.0, 0.0, 1.0 * number], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.8], 1.0
    dataset.Rows = dataset.Columns = SIDE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "HU"
    dataset.PixelData = values.tobytes()
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)

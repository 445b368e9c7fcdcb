"""One series through one worker: the part that analyse, batch and rerun share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medtransfer.contract import requests
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.explainers import Explainer
from medtransfer.contract.requests import AnalyseRequest, Quality
from medtransfer.hosting.process import Worker
from medtransfer.result import reading
from medtransfer.result.model import Result
from medtransfer.store import results
from medtransfer.store.files import full_disk_explained, write_text
from medtransfer.study import exchange
from medtransfer.study.companions import joined
from medtransfer.study.modality import modality_stated
from medtransfer.study.model import Image, Series
from medtransfer.work import inputs
from medtransfer.work.delivery import Format, check_source, deliver
from medtransfer.work.session import Session


@dataclass(frozen=True)
class Options:
    """How to analyse. ``model`` None means the plug-in's newest model, else its starter.

    ``explain`` holds label ids, or ``positive``, or ``all``, and ``explainer`` says in which way; ``synthetic`` marks
    generated pictures. ``modality`` is what a person states of volumes whose files name none, ``quality`` weighs time
    against detail in them.
    """

    plugin: str
    model: str | None = None
    explain: tuple[str, ...] = ("positive",)
    formats: tuple[Format, ...] = ("json", "csv", "png")
    faithfulness: bool = True
    uncertainty: bool = True
    seed: int = 2026
    synthetic: bool = False
    modality: str = ""
    quality: Quality = "full"
    explainer: Explainer = "gradcam"


@dataclass(frozen=True)
class Prepared:
    """A job's folder with the request and the pixels in it; ``files`` are the image's own where it is DICOM."""

    folder: Path
    image: Image
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Analyser:
    """A model that waits for images. ``scratch`` is a folder for the jobs' folders."""

    session: Session
    bundle: ModelBundle
    options: Options
    scratch: Path

    def prepare(self, series: Series, *further: Series) -> Prepared:
        """Read the pixels and write them where a worker finds them; ``further`` are the other volumes of the case.

        Raises
        ------
        DataError
            When the pixels cannot be read.
        UserError
            When a format is wanted that the series' files do not allow.
        EnvironmentFailure
            When the disk is full.
        """
        check_source(self.options.formats, series)
        image = joined([one.image() for one in (series, *further)])
        companions = tuple(name for one in further for name in one.source.names[:1])
        return replace(self.prepare_image(image, series.source.names, companions), files=series.files)

    def prepare_image(self, image: Image, names: tuple[str, ...], companions: tuple[str, ...] = ()) -> Prepared:
        """Write a decoded image where a worker finds it; ``companions`` names the case's further volumes."""
        request = AnalyseRequest(
            bundle=str(self.bundle.folder),
            source=inputs.describe(image, names, companions),
            explain=list(self.options.explain),
            faithfulness=self.options.faithfulness,
            uncertainty=self.options.uncertainty,
            seed=self.options.seed,
            synthetic=self.options.synthetic,
            modality=modality_stated(image),
            quality=self.options.quality,
            explainer=self.options.explainer,
        )
        with full_disk_explained():
            folder = Path(tempfile.mkdtemp(dir=self.scratch))
            (folder / requests.IMAGE).mkdir()
            exchange.save(image, folder / requests.IMAGE)
            write_text(folder / requests.REQUEST, request.model_dump_json())
        return Prepared(folder, image)

    def compute(self, worker: Worker, prepared: Prepared) -> Result:
        """Have a worker analyse what was prepared.

        Raises
        ------
        MedTransferError
            What the worker failed with.
        """
        self.session.run(worker, "analyse", prepared.folder)
        return reading.read(prepared.folder / requests.RESULT_FOLDER)

    def deliver(self, prepared: Prepared, result: Result, target: Path, paths: Sequence[Path]) -> None:
        """Bring the result to ``target``, remember that it was made from ``paths``, and drop the job's folder."""
        made = prepared.folder / requests.RESULT_FOLDER
        if "seg" in self.options.formats and result.segmentation is not None:
            from medtransfer.result.dicom_seg_writing import SEG_FILE, write_seg  # highdicom: only where it is wanted

            with full_disk_explained():
                write_seg(made / SEG_FILE, result.segmentation, prepared.image, prepared.files, result.passport)
        deliver(made, result, target, self.options.formats)
        results.record(self.session.home, target, paths, result.passport)
        shutil.rmtree(prepared.folder, ignore_errors=True)

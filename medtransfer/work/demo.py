"""The demo: the whole path on real photographs where they are, on generated ones, called synthetic, elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medtransfer.cohort import phantom
from medtransfer.resources import resource
from medtransfer.study.display import rgb8
from medtransfer.work import inputs, models
from medtransfer.work.analyse import Analysed, analyse
from medtransfer.work.analyser import Options
from medtransfer.work.learn import Learnt, learn
from medtransfer.work.planning import Plan, Wish
from medtransfer.work.report import Reading, demo_report
from medtransfer.work.session import Session, usable

PLUGIN = "medtransfer.fundus-trio"
RECIPE = "standard"
LABELS = ("dr", "dr_referable", "dme")
SETTINGS = {"keep_pictures": True}
"""The pictures are published or drawn: there is nobody to ask before they go with the model."""
VARIABLE = "MEDTRANSFER_DATA"
BESIDE_CHECKOUT = Path(__file__).resolve().parents[3] / "shared" / "data"
REPORT = "report.html"
PHANTOMS = 160
SEED = 2026


@dataclass(frozen=True)
class Material:
    """Labelled photographs: the table, and whether they were generated."""

    table: Path
    synthetic: bool


@dataclass(frozen=True)
class Shown:
    """What the demo produced: the model, the analysed photographs, and the page that shows both."""

    learnt: Learnt
    analysed: tuple[Analysed, ...]
    page: Path


def demo(
    session: Session,
    data: Path | None,
    pictures: Sequence[Path],
    out: Path,
    on_step: Callable[[str], None],
    on_plan: Callable[[Plan], None],
) -> Shown:
    """Check, split, fine-tune, test, publish, analyse and report; called again it goes on where it stopped.

    Parameters
    ----------
    session
        The store, and whom to tell about progress.
    data
        A folder with ``fundus/idrid`` in it, or None to look where ``MEDTRANSFER_DATA`` points and beside a checkout.
    pictures
        The person's own photographs, analysed after the demo's.
    out
        Where everything is written.
    on_step
        Told what comes next, in a sentence.
    on_plan
        Receives the checks and the split before training starts.

    Raises
    ------
    MedTransferError
        What any of the steps failed with.
    """
    material = find_material(data, out, on_step)
    on_step("Tuning a trio of networks per finding from ImageNet weights, and testing on patients kept apart.")
    wish = Wish(PLUGIN, material.table, RECIPE, name="demo-fundus", labels=LABELS, settings=SETTINGS)
    training = out / ("training-synthetic" if material.synthetic else "training")
    learnt = learn(session, wish, training, on_plan)
    on_step(f"Published as {learnt.model.reference}.")
    reference = _model_for_photographs(learnt, material, on_step)
    entry, _ = usable(session.home, PLUGIN)
    bundle = models.choose(session.home, entry, reference).bundle
    analysed = []
    for number, picture in enumerate([resource("demo/retina.jpg"), *pictures]):
        on_step("Analysing a photograph that was in no training set." if number == 0 else "Analysing your picture.")
        analysed += _analyse(session, picture, reference, out / "analyses" / f"{number:04d}")
    page = out / REPORT
    problems = () if material.synthetic else learnt.problems
    demo_report(bundle, [_reading(entry) for entry in analysed], problems, page)
    return Shown(learnt, tuple(analysed), page)


def find_material(data: Path | None, out: Path, on_step: Callable[[str], None]) -> Material:
    """Return the table of real photographs, or generate phantoms below ``out``."""
    wished = data or Path(os.environ.get(VARIABLE, BESIDE_CHECKOUT))
    table = wished / "fundus" / "idrid" / "labels.csv"
    if table.is_file():
        on_step("Real photographs: IDRiD (Porwal et al. 2018, CC BY 4.0), diabetic retinopathy and macular oedema.")
        return Material(table, synthetic=False)
    on_step("There are no real photographs here: generating SYNTHETIC ones, which say nothing about real patients.")
    folder = out / "phantoms"
    existing = folder / "labels.csv"
    return Material(existing if existing.is_file() else phantom.write_cohort(folder, PHANTOMS, SEED), synthetic=True)


def _model_for_photographs(learnt: Learnt, material: Material, on_step: Callable[[str], None]) -> str:
    """Choose the starter where the new model learnt from phantoms, since that says nothing about a real photograph."""
    if not material.synthetic:
        return learnt.model.reference
    on_step("The real photograph is analysed by the plug-in's starter model, which was trained on real ones.")
    return models.STARTER


def _analyse(session: Session, picture: Path, reference: str, folder: Path) -> list[Analysed]:
    """Analyse one picture into the next free folder, so that showing the demo again overwrites nothing."""
    number = sum(1 for _ in folder.glob("*")) + 1
    options = Options(PLUGIN, model=reference, explain=("all",))
    return list(analyse(session, [picture], options, folder / f"{number:04d}").done)


def _reading(analysed: Analysed) -> Reading:
    """Return a result with its picture as the report shows it."""
    image = inputs.series_of(inputs.scan(analysed.paths))[0].image()
    return Reading(analysed.folder, rgb8(image), ", ".join(analysed.names))

"""Train the starter model of the fundus plug-in on IDRiD, and write its golden case.

    python plugins/fundus_trio/tools/make_starter.py DATA

DATA is the folder with ``fundus/idrid/labels.csv`` (IDRiD, Porwal et al., Data 2018, 3(3), 25; CC BY 4.0). The model
goes to ``medtransfer_fundus_trio/starter``, the golden case to ``medtransfer_fundus_trio/golden``. Commit both.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from medtransfer.contract.bundle import CARD, ModelBundle
from medtransfer.resources import resource
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session

PACKAGE = Path(__file__).resolve().parents[1] / "medtransfer_fundus_trio"
PLUGIN = "medtransfer.fundus-trio"
LABELS = ("dr", "dr_referable", "dme")
DESCRIPTION = (
    "IDRiD, grading part, official training set: 413 photographs of one eye clinic in Nanded, India, all from a Kowa"
    " VX-10 alpha camera at 50 degrees, centred near the macula; here with 512 pixels on the short side. No patient ids"
    " were published."
)
LICENCE = "CC BY 4.0, (c) Prasanna Porwal, Samiksha Pachade, Manesh Kokare"
GOLDEN_SIDE = 480


def main() -> None:
    """Train, describe, store, and record the golden case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    table = parser.parse_args().data / "fundus" / "idrid" / "labels.csv"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with Session(Home.locate(folder / "home").prepare(), _tell) as session:
            learnt = learn(session, Wish(PLUGIN, table, name="idrid-starter", labels=LABELS), folder / "training")
            _store(learnt.bundle)
            _record_golden_case(session, folder)
    evaluation = learnt.bundle.card.evaluation
    for sentence in evaluation.verdict if evaluation else []:
        print(sentence)


def _store(bundle: ModelBundle) -> None:
    """Copy the bundle with a card that says what the data are, and under which licence."""
    target = PACKAGE / "starter"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in bundle.card.files:
        shutil.copyfile(bundle.folder / name, target / name)
    data = bundle.card.data.model_copy(update={"description": DESCRIPTION, "licence": LICENCE})
    card = bundle.card.model_copy(update={"data": data})
    (target / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    ModelBundle.open(target).verify()


def _record_golden_case(session: Session, folder: Path) -> None:
    """Store a photograph that no training has seen, and what the starter answers."""
    golden = PACKAGE / "golden"
    golden.mkdir(exist_ok=True)
    photograph = golden / "photograph.png"
    with Image.open(resource("demo/retina.jpg")) as picture:
        picture.resize((GOLDEN_SIDE, GOLDEN_SIDE), Image.Resampling.LANCZOS).save(photograph, optimize=True)
    options = Options(PLUGIN, model="starter", explain=(), formats=("json",))
    analyse(session, [photograph], options, folder / "golden")
    shutil.copyfile(folder / "golden" / "result.json", golden / "expected.json")


def _tell(stage: str, fraction: float | None, values: object) -> None:
    print(f"{fraction or 0:6.1%} {stage} {values or ''}", flush=True)


if __name__ == "__main__":
    main()

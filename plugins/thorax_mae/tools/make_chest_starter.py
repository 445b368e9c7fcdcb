"""Pretrain the encoder of the chest plug-in, and fine-tune its starter model.

    python plugins/thorax_mae/tools/make_chest_starter.py DATA WORK [--boxes BBox_List_2017.csv]

DATA is the folder with ``chest/nih`` and ``chest/kermany``. Everything is done in WORK, where an interrupted run goes
on. A quarter of the patients of each source, always the same, is kept out of both steps: the starter is tested on them,
and its heat maps on the boxes that NIH's radiologists drew in them, where their table is given. The results go to
``medtransfer_thorax_mae/encoder``, ``starter`` and ``golden``. Commit them.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.data import get_testdata_file

from medtransfer import study
from medtransfer.cohort import boxes
from medtransfer.contract.bundle import CARD, ModelBundle
from medtransfer.store.home import Home
from medtransfer.study.display import rgb8
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.learn import learn
from medtransfer.work.planning import Wish
from medtransfer.work.pretrain import PretrainWish, pretrain
from medtransfer.work.session import Session

PACKAGE = Path(__file__).resolve().parents[1] / "medtransfer_thorax_mae"
PLUGIN = "medtransfer.thorax-mae"
SOURCES = ("nih", "kermany")
LABELS = ("pneumonia", "infiltration", "effusion")
PRETRAINING = Path(__file__).with_name("pretraining.toml")
FINE_TUNING = {"input_size": 160, "frozen_share": 0.85}
"""Most blocks stay those of the encoder, which keeps the model small."""
NIH = (
    "Part of NIH ChestX-ray14 (Wang et al., CVPR 2017): 649 frontal radiographs of 451 adults, half without finding and"
    " half with pneumonia by construction, labels read from reports by a program."
)
BOTH = f"{NIH} Part of Kermany et al. 2018: 2,500 frontal radiographs of children of one to five years, one hospital."
NIH_LICENCE = "NIH Clinical Center: use unrestricted, with acknowledgement"
BOTH_LICENCE = f"{NIH_LICENCE}; Kermany et al.: CC BY 4.0"
GOLDEN_SIDE, NIH_SIDE = 320, 1024
"""Pixels of the golden radiograph, and of the pictures that NIH's boxes are drawn in."""


def main() -> None:
    """Pretrain, fine-tune, describe, store, and record the golden case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--boxes", type=Path)
    chosen = parser.parse_args()
    chest, work = chosen.data / "chest", chosen.work
    home = Home.locate(work / "home").prepare()
    images = work / "images.csv"
    _write(images, ("image", "patient"), _for_pretraining(chest))
    with Session(home, _tell) as session:
        wish = PretrainWish(PLUGIN, images, recipe=str(PRETRAINING), name="chest-starter")
        pretrained = pretrain(session, wish, work / "encoder")
    _store(pretrained.bundle, PACKAGE / "encoder", BOTH, BOTH_LICENCE)
    table = work / "nih.csv"
    _write(table, ("image", "patient", "split", *LABELS), _for_fine_tuning(chest))
    if chosen.boxes:
        _write(table.with_name(boxes.FILE), boxes.COLUMNS, _boxes(chest, chosen.boxes))
    with Session(home, _tell) as session:
        task = Wish(
            PLUGIN, table, name="nih-starter", labels=LABELS, settings=FINE_TUNING, parent=str(work / "encoder")
        )
        learnt = learn(session, task, work / "training")
    _store(learnt.bundle, PACKAGE / "starter", NIH, NIH_LICENCE)
    _record_golden_case(home, work)
    evaluation = learnt.bundle.card.evaluation
    for sentence in evaluation.verdict if evaluation else []:
        print(sentence)


def kept_out(source: str, patient: str) -> bool:
    """Say whether a patient is one of the quarter that nothing is learnt from."""
    return int(hashlib.sha256(f"{source} {patient}".encode()).hexdigest(), 16) % 4 == 0


def _for_pretraining(chest: Path) -> Iterator[Sequence[str]]:
    for source in SOURCES:
        for row in _rows(chest / source):
            if not kept_out(source, row["patient"]):
                yield str((chest / source / row["image"]).resolve()), f"{source} {row['patient']}"


def _for_fine_tuning(chest: Path) -> Iterator[Sequence[str]]:
    for row in _rows(chest / "nih"):
        split = "test" if kept_out("nih", row["patient"]) else ""
        image = str((chest / "nih" / row["image"]).resolve())
        yield image, f"nih {row['patient']}", split, *(row[label] for label in LABELS)


def _boxes(chest: Path, published: Path) -> Iterator[Sequence[str]]:
    """Yield NIH's boxes in the radiographs that are there, from pixels of 1024 to those of the smaller copies."""
    images = {Path(row["image"]).stem: (chest / "nih" / row["image"]).resolve() for row in _rows(chest / "nih")}
    with published.open(encoding="utf-8", newline="") as stream:
        _, *drawn = csv.reader(stream)
    for name, finding, *sides in drawn:
        image = images.get(Path(name).stem)
        if image is not None:
            with Image.open(image) as picture:
                scale = picture.width / NIH_SIDE
            label = {"Infiltrate": "infiltration"}.get(finding, finding.lower())
            yield str(image), label, *(f"{float(side) * scale:.3f}" for side in sides[:4])


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, header: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def _store(bundle: ModelBundle, target: Path, description: str, licence: str) -> None:
    """Copy the bundle with a card that says what the data are, and under which licence."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in bundle.card.files:
        shutil.copyfile(bundle.folder / name, target / name)
    data = bundle.card.data.model_copy(update={"description": description, "licence": licence})
    card = bundle.card.model_copy(update={"data": data})
    (target / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    ModelBundle.open(target).verify()


def _record_golden_case(home: Home, work: Path) -> None:
    """Store a radiograph that neither step has seen, made smaller, and what the starter answers.

    It is pydicom's test file of a chest with masses (package pydicom-data, MIT), so that it may lie in the repository.
    """
    golden = PACKAGE / "golden"
    golden.mkdir(exist_ok=True)
    radiograph = golden / "radiograph.png"
    image = study.open(Path(str(get_testdata_file("RG1_UNCR.dcm"))))[0].series[0].image()
    grey = Image.fromarray(np.ascontiguousarray(rgb8(image)[..., 0]))
    grey.thumbnail((GOLDEN_SIDE, GOLDEN_SIDE), Image.Resampling.LANCZOS)
    grey.save(radiograph, optimize=True)
    shutil.rmtree(work / "golden", ignore_errors=True)
    with Session(home, _tell) as session:
        options = Options(PLUGIN, model="starter", explain=(), formats=("json",))
        analyse(session, [radiograph], options, work / "golden")
    shutil.copyfile(work / "golden" / "result.json", golden / "expected.json")


def _tell(stage: str, fraction: float | None, values: object) -> None:
    print(f"{fraction or 0:6.1%} {stage} {values or ''}", flush=True)


if __name__ == "__main__":
    main()

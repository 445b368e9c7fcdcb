"""Published data sets in miniature: folders, file names, headings and cells of the real ones, with tiny pictures."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from medtransfer.cohort.model import Cohort

Row = Sequence[object]


def _cells(line: str) -> list[str]:
    return line.split(",")


RFMID = _cells(
    "ID,Disease_Risk,DR,ARMD,MH,DN,MYA,BRVO,TSLN,ERM,LS,MS,CSR,ODC,CRVO,TV,AH,ODP,ODE,ST,AION,PT,RT,RS,CRS,EDN,RPEC,"
    "MHL,RP,CWS,CB,ODPM,PRH,MNF,HR,CRAO,TD,CME,PTCR,CF,VH,MCA,VS,BRAO,PLQ,HPED,CL"
)
DATA_ENTRY = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,"
    "Height],OriginalImagePixelSpacing[x,y],"
)
OBSERVATIONS = _cells(
    "No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,"
    "Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
ODIR = _cells(
    "ID,Patient Age,Patient Sex,Left-Fundus,Right-Fundus,Left-Diagnostic Keywords,Right-Diagnostic Keywords,"
    "N,D,G,C,A,H,M,O"
)


def picture(path: Path, seed: int, size: tuple[int, int] = (20, 16)) -> Path:
    """Write a picture of its own for each seed; size is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    Pillow.fromarray(pixels).save(path)
    return path


def write(path: Path, lines: Iterable[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def table(path: Path, headings: Row, rows: Iterable[Row]) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([headings, *rows])
    return write(path, text.getvalue().splitlines())


def codes(cohort: Cohort) -> list[str]:
    return [problem.code for problem in cohort.problems]


def message(cohort: Cohort, code: str) -> str:
    (found,) = [problem.message for problem in cohort.problems if problem.code == code]
    return found


def rfmid(root: Path, sizes: Sequence[int] = (24, 9, 9)) -> Path:
    """RFMiD as Kaggle unpacks it: photograph ``n`` has DR where n is even, and MH where a third of n is whole."""
    layout = (
        ("Training_Set/Training_Set", "Training", "RFMiD_Training_Labels.csv"),
        ("Evaluation_Set/Evaluation_Set", "Validation", "RFMiD_Validation_Labels.csv"),
        ("Test_Set/Test_Set", "Test", "RFMiD_Testing_Labels.csv"),
    )
    for part, ((folder, pictures, name), size) in enumerate(zip(layout, sizes, strict=True)):
        rows = []
        for number in range(1, size + 1):
            picture(root / folder / pictures / f"{number}.png", seed=1000 * part + number)
            present = {"Disease_Risk": 1, "DR": number % 2 == 0, "MH": number % 3 == 0, "ERM": part == number == 1}
            rows.append([number, *(int(present.get(label, 0)) for label in RFMID[1:])])
        table(root / folder / name, RFMID, rows)
    return root


def chestxray14(root: Path, patients: int = 24, *, tested: Sequence[int] = range(1, 9)) -> Path:
    """ChestX-ray14 with two radiographs of each patient; every second has a mass, one in three cardiomegaly too."""
    lines = [DATA_ENTRY]
    train: list[str] = []
    test: list[str] = []
    for patient in range(1, patients + 1):
        for follow_up in range(2):
            name = f"{patient:08d}_{follow_up:03d}.png"
            picture(root / f"images_{1 + patient % 2:03d}" / "images" / name, seed=10 * patient + follow_up)
            findings = [*(["Mass"] if patient % 2 else []), *(["Cardiomegaly"] if patient % 3 == 0 else [])]
            cells = [name, "|".join(findings) or "No Finding", follow_up, patient, 50 + follow_up, "M", "PA"]
            lines.append(",".join(map(str, [*cells, 2682, 2749, 0.143, 0.143, ""])))
            (test if patient in tested else train).append(name)
    write(root / "Data_Entry_2017.csv", lines)
    write(root / "train_val_list.txt", train)
    write(root / "test_list.txt", test)
    return root

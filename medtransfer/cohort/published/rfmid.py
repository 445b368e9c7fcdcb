"""RFMiD (Pachade et al., Data 2021, 6(2), 14; CC BY 4.0): 3,200 fundus photographs with 46 answers each.

Three tables, ``RFMiD_Training_Labels.csv``, ``RFMiD_Validation_Labels.csv`` and ``RFMiD_Testing_Labels.csv``, hold the
authors' parts. Photographs are called by their number, which starts anew in each part: they lie in folders called
after it. Three cameras took them, in three sizes, so that the size tells the camera. No patients are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medtransfer.cohort import identity
from medtransfer.cohort.model import Partition
from medtransfer.cohort.published.columns import ANSWERS, Columns
from medtransfer.cohort.published.folder import Folder, Pictures, part_called, picture_size
from medtransfer.cohort.published.listing import Entry, Listing, no_patients, remark

TABLE = r"(\w\. ?)?RFMiD_(Train|Valid|Evaluat|Test)\w*_Labels\.csv"
NAMES = {
    "Disease_Risk": "Any disease",
    "DR": "Diabetic retinopathy",
    "ARMD": "Age-related macular degeneration",
    "MH": "Media haze",
    "DN": "Drusen",
    "MYA": "Myopia",
    "BRVO": "Branch retinal vein occlusion",
    "TSLN": "Tessellation",
    "ERM": "Epiretinal membrane",
    "LS": "Laser scars",
    "MS": "Macular scar",
    "CSR": "Central serous retinopathy",
    "ODC": "Optic disc cupping",
    "CRVO": "Central retinal vein occlusion",
    "TV": "Tortuous vessels",
    "AH": "Asteroid hyalosis",
    "ODP": "Optic disc pallor",
    "ODE": "Optic disc oedema",
    "ST": "Optociliary shunt",
    "AION": "Anterior ischaemic optic neuropathy",
    "PT": "Parafoveal telangiectasia",
    "RT": "Retinal traction",
    "RS": "Retinitis",
    "CRS": "Chorioretinitis",
    "EDN": "Exudation",
    "RPEC": "Changes of the retinal pigment epithelium",
    "MHL": "Macular hole",
    "RP": "Retinitis pigmentosa",
    "CWS": "Cotton wool spots",
    "CB": "Coloboma",
    "ODPM": "Optic disc pit maculopathy",
    "PRH": "Preretinal haemorrhage",
    "MNF": "Myelinated nerve fibres",
    "HR": "Haemorrhagic retinopathy",
    "CRAO": "Central retinal artery occlusion",
    "TD": "Tilted disc",
    "CME": "Cystoid macular oedema",
    "PTCR": "Post-traumatic choroidal rupture",
    "CF": "Choroidal folds",
    "VH": "Vitreous haemorrhage",
    "MCA": "Macroaneurysm",
    "VS": "Vasculitis",
    "BRAO": "Branch retinal artery occlusion",
    "PLQ": "Plaque",
    "HPED": "Haemorrhagic pigment epithelial detachment",
    "CL": "Collateral",
}
"""What the columns mean, in their order."""
CAMERAS = {
    (2144, 1424): "TOPCON 3D OCT-2000",
    (4288, 2848): "Kowa VX-10a",
    (2048, 1536): "TOPCON TRC-NW300",
}
"""Width and height in pixels of the cameras' photographs."""
_CAMERAS_GUESSED = remark("cameras", "cameras are guessed from the size of the photographs; a resized one has none")


def read(folder: Folder, tables: Sequence[Path]) -> Listing:
    """Read the tables of labels that are there."""
    entries: list[Entry] = []
    for path in tables:
        part = part_called([path.name])
        pictures = folder.pictures.of(part) if part else folder.pictures
        entries += _entries(Columns(path), pictures if pictures or len(tables) > 1 else folder.pictures, part)
    guessed = (_CAMERAS_GUESSED,) if any(entry.attributes for entry in entries) else ()
    names = {identity.label_id(heading): name for heading, name in NAMES.items()}
    return Listing(names, entries, (no_patients(), *guessed))


def _entries(table: Columns, pictures: Pictures, part: Partition | None) -> list[Entry]:
    labels = [identity.label_id(heading) for heading in NAMES]
    cells = zip(*(table.texts(heading) for heading in NAMES), strict=True)
    entries = []
    for number, row in zip(table.texts("ID"), cells, strict=True):
        image = pictures.numbered(number)
        entries.append(
            Entry(
                image=image,
                patient=f"{part}/{number}",
                labels={label: ANSWERS.get(cell) for label, cell in zip(labels, row, strict=True)},
                split=part,
                attributes=_camera(image) if image else {},
            )
        )
    return entries


def _camera(image: Path) -> dict[str, str]:
    size = picture_size(image)
    return {"camera": CAMERAS[size]} if size in CAMERAS else {}

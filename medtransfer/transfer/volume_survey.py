"""A look through the training cases before anything is planned: what they are, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medtransfer.cohort.model import Case
from medtransfer.study.modality import UNSTATED
from medtransfer.study.model import Image
from medtransfer.transfer.prepared import Tell
from medtransfer.transfer.volume_cases import Taught, facts, looks_like_ct, open_case
from medtransfer.transfer.volume_planning import CaseFacts, Kept


@dataclass(frozen=True, eq=False)
class Survey:
    """What the training cases are like.

    Attributes
    ----------
    facts
        Of each case.
    ct
        For each of a case's volumes, whether all cases have Hounsfield units there.
    modalities
        DICOM modalities of the first volumes: as their files state them, else ``CT`` where values look like it, else
        ``OT``.
    """

    facts: tuple[CaseFacts, ...]
    ct: tuple[bool, ...]
    modalities: tuple[str, ...]

    def against(self, kept: Kept | None) -> list[str]:
        """Return what is to be said where these volumes are other than those of the weights to start from."""
        if kept is None or kept.intensities is None or self.ct[0]:
            return []
        window = f"{kept.intensities.low:.0f} to {kept.intensities.high:.0f} HU"
        return [f"The start was trained on CT and clips values to {window}; not all of these volumes are CT."]


def survey(cases: Sequence[Case], taught: Taught, seed: int, tell: Tell) -> Survey:
    """Open every case once; the values that stand for its structures are drawn with the seed.

    Raises
    ------
    DataError
        As :func:`medtransfer.transfer.volume_cases.open_case`.
    """
    found, modalities = [], set()
    ct = [True] * (1 + len(cases[0].further))
    for done, case in enumerate(cases, start=1):
        opened = open_case(case, taught)
        found.append(facts(opened, seed))
        volumes = (opened.image, *opened.image.companions)
        ct = [so_far and looks_like_ct(one) for so_far, one in zip(ct, volumes, strict=True)]
        modalities.add(_modality(opened.image))
        tell(done / len(cases))
    return Survey(tuple(found), tuple(ct), tuple(sorted(modalities)))


def _modality(image: Image) -> str:
    return "CT" if image.modality == UNSTATED and looks_like_ct(image) else image.modality

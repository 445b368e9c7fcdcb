"""What a person said of volumes whose files do not say what they are; the session keeps it."""

from __future__ import annotations

from medtransfer.study.modality import STATABLE, UNSTATED, stated_where_missing
from medtransfer.study.model import Series


class Statements:
    """Modalities by the uid of the series; for other formats than DICOM that follows from the file's content."""

    def __init__(self) -> None:
        self._modalities: dict[str, str] = {}

    @staticmethod
    def wanted_for(series: Series) -> bool:
        """Say whether a series, as its file describes it, leaves something to be said."""
        return series.modality == UNSTATED and series.axes == "zyx"

    def applied_to(self, series: Series) -> Series:
        """Return a series as a person stated it to be; as it is where nobody did."""
        modality = self._modalities.get(series.uid)
        return stated_where_missing(series, modality) if modality else series

    def of(self, series: Series) -> str:
        """Return the modality that was stated of a series, empty where none was."""
        return self._modalities.get(series.uid, "")

    def say(self, uid: str, modality: str) -> None:
        """Keep what a series is stated to be, ``CT`` or ``MR``; an empty text takes that back."""
        if modality:
            self._modalities[uid] = modality
        else:
            self._modalities.pop(uid, None)

    def state(self) -> dict[str, str]:
        """Return what brings them back, as JSON can hold it."""
        return dict(self._modalities)

    def restore(self, state: object) -> None:
        """Bring back what :meth:`state` returned; anything else is passed over."""
        if isinstance(state, dict):
            self._modalities = {str(uid): said for uid, said in state.items() if said in STATABLE}

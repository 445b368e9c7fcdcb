"""Where medtransfer keeps what outlives a command: one folder, moved by ``--home`` or ``MEDTRANSFER_HOME``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from medtransfer.errors import EnvironmentFailure

VARIABLE = "MEDTRANSFER_HOME"


@dataclass(frozen=True)
class Home:
    """The store's folder and what lies where in it. Nothing is created before :meth:`prepare`."""

    root: Path

    @classmethod
    def locate(cls, given: Path | None = None) -> Home:
        """Return the home that was asked for: ``given``, else ``MEDTRANSFER_HOME``, else the user's data folder."""
        if given is not None:
            return cls(given.expanduser().absolute())
        variable = os.environ.get(VARIABLE)
        if variable:
            return cls(Path(variable).expanduser().absolute())
        from platformdirs import user_data_path

        return cls(user_data_path("medtransfer", appauthor=False))

    def prepare(self) -> Home:
        """Create the folders, readable by their owner alone where the system knows that.

        Raises
        ------
        EnvironmentFailure
            When a folder cannot be created.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (
                self.models,
                self.jobs,
                self.results,
                self.splits,
                self.weights,
                self.plugins,
                self.cache,
                self.logs,
            ):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise EnvironmentFailure(
                f"the store cannot be created ({error.strerror})",
                code="home.create",
                hint="Choose a folder that you may write to with --home or MEDTRANSFER_HOME.",
                subject=str(self.root),
            ) from error
        return self

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "medtransfer.sqlite3"

    @property
    def models(self) -> Path:
        """Published model bundles: ``<first two digits of the address>/<address>``."""
        return self.root / "models"

    @property
    def jobs(self) -> Path:
        """One folder per job while it runs or may be resumed."""
        return self.root / "jobs"

    @property
    def results(self) -> Path:
        """Results of analyses that nobody named a folder for: one folder each."""
        return self.root / "results"

    @property
    def splits(self) -> Path:
        """Frozen splits by the address of the model, so that a retrained model keeps its test set."""
        return self.root / "splits"

    @property
    def weights(self) -> Path:
        """Converted pretrained weights."""
        return self.root / "weights"

    @property
    def plugins(self) -> Path:
        """Installed plug-ins with their environments."""
        return self.root / "plugins"

    @property
    def cache(self) -> Path:
        """What can be computed again."""
        return self.root / "cache"

    @property
    def logs(self) -> Path:
        """JSON lines, one file per day."""
        return self.root / "logs"

"""Where plug-ins lie below medtransfer's home, and the receipt of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from medtransfer.errors import PluginError
from medtransfer.result.model import Record

RECEIPT = "installed.json"


class Receipt(Record):
    """What was installed, from what, and when. ``package`` is the folder of the manifest inside ``site``."""

    id: str
    distribution: str
    version: str
    package: str = Field(pattern=r"^[A-Za-z_]\w*$")
    wheel_sha256: str
    installed: str
    dependencies: list[str] = []


@dataclass(frozen=True)
class Places:
    """The folders of plug-ins below the home."""

    home: Path

    @property
    def plugins(self) -> Path:
        """One folder per installed plug-in, named by its id; names that begin with a dot are work in progress."""
        return self.home.absolute() / "plugins"

    @property
    def folders(self) -> Path:
        """Plug-in folders that are used as they stand."""
        return self.home.absolute() / "plugin-folders"

    def plugin(self, plugin_id: str) -> Path:
        """Return the folder of an installed plug-in."""
        return self.plugins / plugin_id

    @staticmethod
    def site(folder: Path) -> Path:
        """Return the folder with an installed plug-in's own packages."""
        return folder / "site"

    def disabled(self, plugin_id: str) -> Path:
        """Return the empty file that switches a plug-in off."""
        return self.home / "disabled-plugins" / plugin_id

    def installed(self) -> list[Path]:
        """Return the folders of installed plug-ins, finished installations only."""
        if not self.plugins.is_dir():
            return []
        return sorted(item for item in self.plugins.iterdir() if item.is_dir() and not item.name.startswith("."))


def read_receipt(folder: Path) -> Receipt:
    """Read the receipt of an installed plug-in.

    Raises
    ------
    PluginError
        When it is missing or damaged.
    """
    try:
        return Receipt.model_validate_json((folder / RECEIPT).read_bytes())
    except (OSError, ValidationError) as error:
        raise PluginError(
            "its installation is damaged: uninstall it and install it again",
            code="plugin.damaged",
            hint="Uninstall the plug-in and install it again.",
            subject=folder.name,
        ) from error

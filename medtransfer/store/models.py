"""The registry of models: names and versions for people, content addresses underneath. Nothing is overwritten."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from medtransfer.contract.bundle import BundleCard, ModelBundle
from medtransfer.errors import UserError
from medtransfer.store.database import connection, transaction
from medtransfer.store.files import copy_folder
from medtransfer.store.home import Home

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,79}")
_ADDRESS = re.compile(r"[0-9a-f]{6,64}")
RESERVED = frozenset({"starter"})


@dataclass(frozen=True)
class StoredModel:
    """One published version of a model.

    ``metrics`` maps label ids to the tuned model's AUROC on its test partition, as far as it was evaluated.
    """

    name: str
    version: int
    sha256: str
    plugin: str
    created: str
    labels: tuple[str, ...]
    metrics: dict[str, float]
    folder: Path

    @property
    def reference(self) -> str:
        """How a person asks for exactly this version: ``name@version``."""
        return f"{self.name}@{self.version}"

    def open(self) -> ModelBundle:
        """Open the bundle; see :meth:`ModelBundle.open`."""
        return ModelBundle.open(self.folder)


def check_name(name: str) -> None:
    """Refuse a name that could not be asked for later.

    Raises
    ------
    UserError
        When the name is reserved or has characters other than letters, digits, space, dot, dash and underscore.
    """
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise UserError(
            "this cannot be the name of a model",
            code="model.name",
            hint="Use up to 80 letters, digits, spaces, dots, dashes and underscores; 'starter' is taken.",
            subject=name,
        )


def publish(home: Home, bundle_folder: Path, name: str) -> StoredModel:
    """Copy a bundle into the store and give it the next version of its name.

    Publishing the same content under the same name again returns the version that it already has, so that an
    interrupted publication can be repeated.

    Raises
    ------
    DataError
        When the bundle is damaged.
    UserError
        When the name is not acceptable.
    """
    check_name(name)
    bundle = ModelBundle.open(bundle_folder)
    bundle.verify()
    copy_folder(bundle_folder, _folder(home, bundle.sha256))
    with connection(home) as database, transaction(database):
        known = database.execute("SELECT * FROM models WHERE name = ? AND sha256 = ?", (name, bundle.sha256)).fetchone()
        if known is None:
            known = _insert(database, name, bundle)
        return _stored(home, known)


def list_models(home: Home, plugin: str | None = None) -> list[StoredModel]:
    """Return every published version, by name and version; only those of one plug-in when it is given."""
    with connection(home) as database:
        rows = database.execute(
            "SELECT * FROM models WHERE ? IS NULL OR plugin = ? ORDER BY name, version", (plugin, plugin)
        ).fetchall()
    return [_stored(home, row) for row in rows]


def newest(home: Home, plugin: str) -> StoredModel | None:
    """Return the model of a plug-in that was published last, or None."""
    with connection(home) as database:
        row = database.execute("SELECT * FROM models WHERE plugin = ? ORDER BY id DESC LIMIT 1", (plugin,)).fetchone()
    return _stored(home, row) if row else None


def find(home: Home, reference: str) -> StoredModel:
    """Return the model meant by ``name`` (its newest version), ``name@version`` or the start of its address.

    Raises
    ------
    UserError
        When there is none, or when the start of an address fits several.
    """
    name, _, version = reference.partition("@")
    with connection(home) as database:
        rows = database.execute(
            "SELECT * FROM models WHERE name = ? AND (? = '' OR version = CAST(? AS INTEGER)) ORDER BY version DESC",
            (name, version, version),
        ).fetchall()[:1]
        if not rows and _ADDRESS.fullmatch(reference):
            rows = database.execute(
                "SELECT * FROM models WHERE sha256 >= ? AND sha256 < ? GROUP BY sha256",
                (reference, reference + "g"),
            ).fetchall()
    if len(rows) != 1:
        problem = "several models have an address that starts so" if rows else "there is no such model"
        raise UserError(
            problem,
            code="model.ambiguous" if rows else "model.unknown",
            hint="`medtransfer model list` shows names, versions and addresses.",
            subject=reference,
        )
    return _stored(home, rows[0])


def at_address(home: Home, sha256: str) -> StoredModel | None:
    """Return a published model with exactly this address, or None."""
    with connection(home) as database:
        row = database.execute("SELECT * FROM models WHERE sha256 = ? LIMIT 1", (sha256,)).fetchone()
    return _stored(home, row) if row else None


def delete(home: Home, reference: str) -> StoredModel:
    """Take one version out of the registry, and its files when no other name refers to them.

    Raises
    ------
    UserError
        When there is no such model.
    """
    model = find(home, reference)
    with connection(home) as database, transaction(database):
        database.execute("DELETE FROM models WHERE name = ? AND version = ?", (model.name, model.version))
        still = database.execute("SELECT 1 FROM models WHERE sha256 = ?", (model.sha256,)).fetchone()
        if still is None:
            shutil.rmtree(model.folder, ignore_errors=True)
    return model


def _folder(home: Home, sha256: str) -> Path:
    return home.models / sha256[:2] / sha256


def _insert(database: sqlite3.Connection, name: str, bundle: ModelBundle) -> sqlite3.Row:
    row: sqlite3.Row = database.execute(
        "INSERT INTO models (name, version, sha256, plugin, created, labels, metrics)"
        " VALUES (?, (SELECT COALESCE(MAX(version), 0) + 1 FROM models WHERE name = ?), ?, ?, ?, ?, ?) RETURNING *",
        (
            name,
            name,
            bundle.sha256,
            bundle.card.plugin,
            datetime.now(UTC).isoformat(timespec="seconds"),
            json.dumps([label.id for label in bundle.card.labels]),
            json.dumps(_headline(bundle.card)),
        ),
    ).fetchone()
    return row


def _headline(card: BundleCard) -> dict[str, float]:
    if card.evaluation is None:
        return {}
    labels = card.evaluation.of("tuned").labels
    return {entry.label: entry.metrics["auroc"].value for entry in labels if "auroc" in entry.metrics}


def _stored(home: Home, row: sqlite3.Row) -> StoredModel:
    return StoredModel(
        name=row["name"],
        version=row["version"],
        sha256=row["sha256"],
        plugin=row["plugin"],
        created=row["created"],
        labels=tuple(json.loads(row["labels"])),
        metrics=json.loads(row["metrics"]),
        folder=_folder(home, row["sha256"]),
    )

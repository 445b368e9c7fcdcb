"""Turn somebody else's weights file into safetensors under its network's names, in a process thrown away afterwards.

``python -m medtransfer.transfer.convert SOURCE TARGET [--name ENTRY]`` writes one line of JSON to its standard output:
how the conversion went, or why the file was refused.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from medtransfer.contract.bundle import file_sha256
from medtransfer.contract.messages import Failed
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.weights import (
    CatalogueEntry,
    ConversionReport,
    PictureEntry,
    VolumeEntry,
    WeightFit,
    catalogue_entry,
)
from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError
from medtransfer.transfer import fit_report, foreign, keymaps, nnunet_plan, recognition, stunet_file

MAXIMUM_BYTES = 16 * 2**30
"""Largest file that is read. The largest published network in sight, STU-Net-H with its optimiser, is about 12 GB."""

_GROWTH = 2  # tensors that share their numbers are written once each; a tied layer or two is usual, more is not
_PARALLEL_PREFIX = "module."


def convert(source: Path, target: Path, said: PictureEntry | VolumeEntry | None = None) -> ConversionReport:
    """Convert one weights file.

    Parameters
    ----------
    source
        The file as published: safetensors, or what ``torch.save`` wrote.
    target
        Where the safetensors file goes; it replaces an older one. Its folder exists.
    said
        What the catalogue knows about the file; None when the file's content is to tell which of its entries it is.

    Raises
    ------
    DataError
        ``weights.missing``, ``weights.empty``, ``weights.too-large``, ``weights.checksum``, ``weights.not-finite``,
        ``weights.other-architecture``, ``weights.other-classes`` and those of :mod:`medtransfer.transfer.foreign` and
        :mod:`medtransfer.transfer.recognition`; for a network for volumes also ``plan.missing``, ``plan.other`` and
        those of :mod:`medtransfer.transfer.stunet_file` and :mod:`medtransfer.transfer.nnunet_plan`.
    EnvironmentFailure
        ``disk.full``, ``weights.not-written``, ``memory.full``.
    """
    source_sha256 = _sha256(source)
    if said:
        _check_sha256(source_sha256, said, source)
    kind = foreign.sniff(source)
    found, beside = foreign.read(source, kind)
    _check_growth(found, source)
    plain = _without_parallel_prefix(found)
    entry = said or recognition.recognised(plain, source.name, source_sha256)
    _check_sha256(source_sha256, entry, source)
    tensors = _independent(keymaps.renamed(plain, entry.key_map))
    _check_finite(tensors, source)
    fit = _checked_fit(tensors, entry)
    about = {"name": entry.name, "source_sha256": source_sha256, "key_map": entry.key_map}
    if isinstance(entry, VolumeEntry):
        about["plan"] = _checked_plan(source, entry).model_dump_json()
    _write(tensors, target, about)
    return ConversionReport(
        name=entry.name,
        source_format=kind,
        source_sha256=source_sha256,
        sha256=file_sha256(target),
        tensors=len(tensors),
        parameters=sum(tensor.numel() for tensor in tensors.values()),
        skipped=beside,
        fit=fit,
    )


def _sha256(source: Path) -> str:
    size = source.stat().st_size if source.is_file() else -1
    if size <= 0:
        raise DataError(
            "the weights file is empty" if size == 0 else "the weights file does not exist",
            code="weights.empty" if size == 0 else "weights.missing",
            hint="Check the path, or get the file again.",
            subject=source.name,
        )
    if size > MAXIMUM_BYTES:
        raise DataError(
            f"the weights file has {size / 2**30:.1f} GiB, more than the {MAXIMUM_BYTES / 2**30:.0f} GiB that are read",
            code="weights.too-large",
            hint="Choose a file that holds the network's weights alone.",
            subject=source.name,
        )
    return file_sha256(source)


def _check_sha256(digest: str, entry: CatalogueEntry, source: Path) -> None:
    if not digest.startswith(entry.sha256):
        raise DataError(
            f"this is not the file that the catalogue calls {entry.name}: its SHA-256 begins {digest[:12]} instead of "
            f"{entry.sha256[:12]}",
            code="weights.checksum",
            hint=f"Get {entry.file} again from where the catalogue says: {entry.source}.",
            subject=source.name,
        )


def _check_growth(tensors: Mapping[str, Tensor], source: Path) -> None:
    if sum(tensor.nbytes for tensor in tensors.values()) > _GROWTH * source.stat().st_size:
        raise foreign.inflated(source)


def _without_parallel_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove the prefix that torch's data-parallel wrappers put before every name."""
    if not all(name.startswith(_PARALLEL_PREFIX) for name in tensors):
        return tensors
    return {name.removeprefix(_PARALLEL_PREFIX): tensor for name, tensor in tensors.items()}


def _independent(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give every tensor numbers of its own in row-major order, as safetensors asks."""
    seen: set[int] = set()
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        plain = tensor.detach().contiguous()
        result[name] = plain.clone() if storage in seen else plain
        seen.add(storage)
    return result


def _check_finite(tensors: Mapping[str, Tensor], source: Path) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
            raise DataError(
                f"the weights contain values that are not numbers (first in {name})",
                code="weights.not-finite",
                hint="The training that wrote the file diverged, or the file was changed: use another one.",
                subject=source.name,
            )


def _checked_fit(tensors: Mapping[str, Tensor], entry: PictureEntry | VolumeEntry) -> WeightFit:
    if isinstance(entry, VolumeEntry):
        return stunet_file.checked_fit(tensors, entry)
    answered = recognition.outputs(tensors, entry)
    if entry.findings and answered != len(entry.findings):
        raise DataError(
            f"the file holds a network with {answered} outputs, {entry.name} has {len(entry.findings)}",
            code="weights.other-classes",
            hint=f"Choose {entry.file} from {entry.source}, or say with --name which entry of the catalogue it is.",
        )
    fit = recognition.picture_fit(tensors, entry)
    fit_report.require(fit, entry.expected_share)
    return fit


def _checked_plan(source: Path, entry: VolumeEntry) -> VolumePlan:
    """Return the plan of the catalogue, or of the side file where the catalogue has none; the two must not differ."""
    side = nnunet_plan.beside(source)
    if side is None:
        if entry.plan is None:
            raise DataError(
                "the side file with the plan of this checkpoint is missing",
                code="plan.missing",
                hint=f"Put {entry.file}{nnunet_plan.SUFFIX}, which comes with {entry.file}, into the same folder.",
                subject=source.name,
            )
        return entry.plan
    told = nnunet_plan.read(side)
    wanted = (entry.channels, entry.outputs, entry.plan or told.plan)
    if (told.channels, told.outputs, told.plan) != wanted:
        raise DataError(
            "the plan beside the checkpoint belongs to another network",
            code="plan.other",
            hint="Put the checkpoint beside its own side file, or import it from a folder without one.",
            subject=side.name,
        )
    return told.plan


def _write(tensors: dict[str, Tensor], target: Path, about: dict[str, str]) -> None:
    needed = sum(tensor.nbytes for tensor in tensors.values())
    if shutil.disk_usage(target.parent).free < needed:
        raise EnvironmentFailure(
            f"the disk is too full for the converted weights, which take {needed / 10**6:.0f} MB",
            code="disk.full",
            hint="Free some space and import the weights again.",
        )
    partial = target.with_name(f"{target.name}.partial")
    try:
        # safetensors writes several entries in a random order: one entry alone gives the same file every time.
        safetensors.torch.save_file(tensors, partial, metadata={"medtransfer": json.dumps(about, sort_keys=True)})
        partial.replace(target)
    except (OSError, safetensors.SafetensorError) as error:
        raise EnvironmentFailure(
            "the converted weights could not be written",
            code="weights.not-written",
            hint=f"Check that {needed / 10**6:.0f} MB are free and that medtransfer's folder may be written.",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 for a conversion, 1 for a refusal."""
    parser = argparse.ArgumentParser(prog="python -m medtransfer.transfer.convert", description=__doc__)
    parser.add_argument("source", type=Path, help="the weights file as published")
    parser.add_argument("target", type=Path, help="the safetensors file to write")
    parser.add_argument("--name", help="the entry of the weights catalogue that the file is, where its content may not")
    given = parser.parse_args(arguments)
    answer: ConversionReport | Failed
    try:
        answer = convert(given.source, given.target, catalogue_entry(given.name) if given.name else None)
    except MedTransferError as error:
        told = {key: getattr(error, key) for key in ("kind", "code", "message", "hint", "subject")}
        answer = Failed.model_validate(told)
    sys.stdout.write(answer.model_dump_json() + "\n")
    return 0 if isinstance(answer, ConversionReport) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Writing and reading the tensors of a model bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from medtransfer.contract import bundle as contract
from medtransfer.contract.bundle import CARD, BundleCard, BundleLabel, ModelBundle, file_sha256
from medtransfer.errors import DataError, PluginError
from medtransfer.transfer import fit_report, weights
from medtransfer.transfer.blocks import head_names

TRUNK = "trunk.safetensors"
REFERENCE = contract.REFERENCE
ENCODER = "encoder.safetensors"


def rounded(network: nn.Module) -> None:
    """Round the weights of convolutions and linear layers to what float16 can hold, in place.

    They are stored like that, at half the size; every figure of a bundle is measured after rounding.

    Raises
    ------
    PluginError
        ``training.diverged`` when a weight is larger than float16 can hold.
    """
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim > 1:
                value.copy_(halved(value).float())


def halved(weight: Tensor) -> Tensor:
    """Return a tensor in float16.

    Raises
    ------
    PluginError
        ``training.diverged`` when it does not fit: answers would be infinite or no numbers.
    """
    half = weight.half()
    if torch.isfinite(half).all():
        return half
    raise PluginError(
        "training diverged: a weight is larger than what a model can store",
        code="training.diverged",
        hint="Use a smaller learning rate (`--set learning_rate=...`), or the recipe `quick`.",
    )


def stored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as they are stored: more than one dimension in float16, the rest (biases, BatchNorm) as it is."""
    return {
        name: (halved(value) if value.ndim > 1 and value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in tensors.items()
    }


def write(folder: Path, card: BundleCard, files: Mapping[str, Mapping[str, Tensor]]) -> ModelBundle:
    """Write the tensors and then the card, which vouches for them.

    Parameters
    ----------
    folder
        Exists and is the bundle's own.
    files
        File name to tensors.
    """
    for name, tensors in files.items():
        save_file(dict(tensors), folder / name)
    sums = {path.name: file_sha256(path) for path in sorted(folder.iterdir()) if path.name != CARD}
    final = card.model_copy(update={"files": sums})
    (folder / CARD).write_text(final.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return ModelBundle.open(folder)


def load_network(network: nn.Module, bundle: ModelBundle, *files: str) -> None:
    """Fill a network from the bundle's shared trunk and from files, of which a later one replaces an earlier one's.

    Raises
    ------
    DataError
        When the tensors do not fill the network exactly, or the card does not vouch for a file.
    """
    _fill(network, _joined(bundle, files))


def load_label(network: nn.Module, bundle: ModelBundle, label: BundleLabel) -> None:
    """Fill a network of one output; where the label's file answers several labels, with the label's own row.

    Raises
    ------
    DataError
        As for :func:`load_network`.
    """
    tensors = _joined(bundle, [label.file])
    for name in (f"{layer}.{kind}" for layer in head_names(network) for kind in ("weight", "bias")):
        if name in tensors and len(tensors[name]) > 1:
            tensors[name] = tensors[name][label.value : label.value + 1]
    _fill(network, tensors)


def share(network: nn.Module, other: nn.Module) -> None:
    """Let a network hold tensors that equal those of another one of its kind together with it, and so once."""
    for name, module in network.named_modules():
        theirs = other.get_submodule(name)
        for own, value in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if torch.equal(value, getattr(theirs, own)):
                setattr(module, own, getattr(theirs, own))


def tensors_of(bundle: ModelBundle, file: str) -> dict[str, Tensor]:
    """Read a file of a bundle.

    Raises
    ------
    DataError
        When the card does not vouch for it.
    """
    if file not in bundle.card.files:
        raise DataError(
            "a label of the model names a file that its card does not vouch for",
            code="bundle.damaged",
            hint="Import the model again from where it came from.",
            subject=file,
        )
    return weights.load(bundle.folder / file)


def _joined(bundle: ModelBundle, files: Sequence[str]) -> dict[str, Tensor]:
    """Return the tensors of the shared trunk and of files, of which a later one replaces an earlier one's."""
    tensors = weights.load(bundle.folder / TRUNK) if TRUNK in bundle.card.files else {}
    for file in files:
        tensors.update(tensors_of(bundle, file))
    return tensors


def _fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    fit_report.apply(network, {name: _full(value) for name, value in tensors.items()}, expected_share=1.0)
    network.eval()


def _full(value: Tensor) -> Tensor:
    return value.float() if value.dtype == torch.float16 else value

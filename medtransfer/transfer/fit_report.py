"""Compare the tensors of a weights file with a network, name by name, before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor, nn

from medtransfer.contract.weights import ShapePair, WeightFit
from medtransfer.errors import DataError

_POSITIONS = "pos_embed"


def fit(network: nn.Module, tensors: Mapping[str, Tensor], *, allow_new: Sequence[str]) -> WeightFit:
    """Report how well tensors fit a network. Nothing is loaded.

    Parameters
    ----------
    network
        The network, on any device.
    tensors
        The file's tensors under the network's names.
    allow_new
        Names of layers that belong to the new task (``["classifier"]``): they keep their own values, even where the
        file has the name, and count in no share.
    """
    return compare(network.state_dict(), tensors, allow_new=allow_new)


def compare(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor], *, allow_new: Sequence[str]) -> WeightFit:
    """Report how well tensors fit a network that is known by its own tensors; only their shapes are looked at.

    ``tensors`` and ``allow_new`` are those of :func:`fit`.
    """
    new = [name for name in own if _below(name, allow_new)]
    wanted = {name: own[name] for name in own if name not in new and not _is_idle_counter(name, tensors)}
    common = {name: tensors[name] for name in wanted if name in tensors}
    loaded = [name for name, tensor in common.items() if tensor.shape == wanted[name].shape]
    others = [_pair(name, tensor, wanted[name]) for name, tensor in common.items() if name not in loaded]
    reshaped = [pair for pair in others if _channels_adaptable(pair) or _positions_adaptable(pair)]
    filled = [*loaded, *(pair.name for pair in reshaped)]
    return WeightFit(
        loaded=loaded,
        reshaped=reshaped,
        mismatched=[pair for pair in others if pair not in reshaped],
        missing=[name for name in wanted if name not in tensors],
        skipped=[name for name in tensors if name not in wanted],
        new=new,
        tensor_share=_share(len(filled), len(wanted)),
        parameter_share=_share(_numbers(wanted[name] for name in filled), _numbers(wanted.values())),
    )


def apply(
    network: nn.Module, tensors: Mapping[str, Tensor], expected_share: float, *, allow_new: Sequence[str] = ()
) -> WeightFit:
    """Load tensors into a network, or refuse and leave the network as it was.

    Parameters
    ----------
    network, tensors, allow_new
        As for :func:`fit`.
    expected_share
        Share of the network's tensors that must be filled, in [0, 1].

    Raises
    ------
    DataError
        ``weights.other-architecture`` when less fits; the message names the first tensors that do not.
    """
    report = fit(network, tensors, allow_new=allow_new)
    require(report, expected_share)
    chosen = {name: tensors[name] for name in report.loaded}
    for pair in report.reshaped:
        adapt = _with_channels if _channels_adaptable(pair) else _with_positions
        chosen[pair.name] = adapt(tensors[pair.name], pair.network_shape[1])
    network.load_state_dict(chosen, strict=False)
    return report


def require(report: WeightFit, expected_share: float) -> None:
    """Refuse weights of which too little fits.

    Raises
    ------
    DataError
        ``weights.other-architecture``.
    """
    if report.tensor_share >= expected_share:
        return
    shapes = [f"{pair.name} is {pair.file_shape} instead of {pair.network_shape}" for pair in report.mismatched]
    absent = [f"{name} is not in the file" for name in report.missing]
    first = "; ".join([*shapes[:2], *absent[:2]])
    raise DataError(
        f"the weights belong to another network: {report.tensor_share:.0%} of the tensors fit, "
        f"{expected_share:.0%} are expected ({first})",
        code="weights.other-architecture",
        hint="Choose the network that these weights were made for, or the weights made for this network.",
    )


def _below(name: str, layers: Sequence[str]) -> bool:
    return any(name == layer or name.startswith(f"{layer}.") for layer in layers)


def _is_idle_counter(name: str, tensors: Mapping[str, Tensor]) -> bool:
    # Files older than torch 0.4.1 lack BatchNorm's count of batches; no answer depends on it.
    return name.endswith(".num_batches_tracked") and name not in tensors


def _pair(name: str, tensor: Tensor, own: Tensor) -> ShapePair:
    return ShapePair(name=name, file_shape=tuple(tensor.shape), network_shape=tuple(own.shape))


def _channels_adaptable(pair: ShapePair) -> bool:
    """Whether it is a 2-D convolution ``(out, in, y, x)`` that differs only in reading colour or grey pictures."""
    file, network = pair.file_shape, pair.network_shape
    same_elsewhere = len(file) == len(network) == 4 and file[0] == network[0] and file[2:] == network[2:]
    return same_elsewhere and {file[1], network[1]} == {1, 3}


def _positions_adaptable(pair: ShapePair) -> bool:
    """Whether it is a position embedding ``(1, class token + patches, width)`` of square pictures of another size."""
    file, network = pair.file_shape, pair.network_shape
    if pair.name != _POSITIONS or len(file) != 3 or len(network) != 3 or (file[0], file[2]) != (network[0], network[2]):
        return False
    return all(tokens > 1 and math.isqrt(tokens - 1) ** 2 == tokens - 1 for tokens in (file[1], network[1]))


def _with_positions(tensor: Tensor, tokens: int) -> Tensor:
    """Interpolate a position embedding, bicubically, to so many tokens; the class token's entry stays."""
    side = math.isqrt(tokens - 1)
    adapted: Tensor = resample_abs_pos_embed(tensor, [side, side], num_prefix_tokens=1)
    return adapted


def _with_channels(tensor: Tensor, channels: int) -> Tensor:
    """Adapt a convolution to grey or colour so that a grey picture repeated in three channels gives the same answer."""
    if channels == 1:
        return tensor.sum(dim=1, keepdim=True)
    return tensor.expand(-1, channels, -1, -1) / channels


def _numbers(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0

"""A sliding window gives the labels of the straightforward method, whatever the shape, in little memory."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from medtransfer.errors import DataError, PluginError
from medtransfer.inference import sliding
from medtransfer.inference.linear_head import divide
from medtransfer.inference.machine import Precision, Runtime, RuntimeChoice
from medtransfer.inference.slab import Slab
from medtransfer.inference.sliding import Segmenter, segment
from medtransfer.inference.tiles import bands, gaussian, rows, starts

NDIMAGE: Any = ndimage  # SciPy is untyped
TILE = (8, 12, 16)


class Small(nn.Module):
    """Two layers with instance norm, so that a tile's answer depends on where the tile lies, and a linear head."""

    def __init__(self, classes: int = 5, channels: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels, 6, 3, padding=1)
        self.norm = nn.InstanceNorm3d(6, affine=True)
        self.second = nn.Conv3d(6, 4, 3, padding=1)
        self.heads = nn.ModuleList([nn.Conv3d(6, classes, 1), nn.Conv3d(4, classes, 1)])

    def forward(self, batch: Tensor) -> Any:
        features = torch.relu(self.norm(self.first(batch)))
        deep = torch.relu(self.second(features))
        if self.training:
            return self.heads[1](deep), self.heads[0](features)
        return self.heads[1](deep)


def _network(**options: int) -> Small:
    torch.manual_seed(0)
    return Small(**options).eval()


def _choice(runtime: Runtime = "torch", precision: Precision = "fp32") -> RuntimeChoice:
    return RuntimeChoice(device="cpu", runtime=runtime, precision=precision)


def _volume(*shape: int, channels: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(size=(channels, *shape)).astype(np.float32)


def _straightforward(
    network: nn.Module, volume: NDArray[np.float32], tile: tuple[int, int, int], mirror: tuple[int, ...] = ()
) -> NDArray[np.float64]:
    """Sum all classes' weighted logits over the whole padded volume, as nnU-Net does, in double precision."""
    shape = volume.shape[1:]
    before = [max(0, side - size) // 2 for size, side in zip(shape, tile, strict=True)]
    behind = [max(0, side - size) - first for size, side, first in zip(shape, tile, before, strict=True)]
    padded = np.pad(volume, [(0, 0), *zip(before, behind, strict=True)])
    places = [starts(size, side, 0.5) for size, side in zip(padded.shape[1:], tile, strict=True)]
    importance = gaussian(tile).astype(np.float64)
    total: Any = 0.0
    for corner in itertools.product(*places):
        cut = tuple(slice(begin, begin + side) for begin, side in zip(corner, tile, strict=True))
        batch = torch.from_numpy(padded[(slice(None), *cut)])[None]
        answers = []
        for chosen in itertools.product(*[[(), (axis + 2,)] for axis in mirror]):
            dims = [axis for part in chosen for axis in part]
            with torch.inference_mode():
                answers.append(network(batch.flip(dims)).flip(dims)[0].double().numpy())
        if isinstance(total, float):
            total = np.zeros((len(answers[0]), *padded.shape[1:]))
        total[(slice(None), *cut)] += np.mean(answers, axis=0) * importance
    inside = tuple(slice(first, first + size) for first, size in zip(before, shape, strict=True))
    return np.asarray(total[(slice(None), *inside)])


def _differs_only_in_ties(labels: NDArray[Any], logits: NDArray[np.float64]) -> bool:
    chosen = np.take_along_axis(logits, labels[None].astype(np.intp), axis=0)[0]
    return bool(np.all(logits.max(axis=0) - chosen < 1e-4))


@pytest.mark.parametrize(
    "shape", [(8, 12, 16), (20, 25, 33), (33, 13, 17), (9, 40, 16), (3, 50, 5), (1, 1, 1), (8, 12, 61)]
)
def test_the_labels_are_those_of_the_straightforward_method(shape: tuple[int, int, int]) -> None:
    network, volume = _network(), _volume(*shape)
    labels = segment(network, volume, TILE, _choice())
    assert labels.shape == shape
    assert labels.dtype == np.uint8
    assert _differs_only_in_ties(labels, _straightforward(network, volume, TILE))
    assert len(np.unique(labels)) > 1 or volume.size < 10


def test_mirroring_is_the_mean_over_mirror_images() -> None:
    network, volume = _network(channels=2), _volume(20, 14, 18, channels=2)
    segmenter = Segmenter(network, 2, TILE, _choice())
    labels = segmenter.labels(volume, mirror=(0, 2))
    assert _differs_only_in_ties(labels, _straightforward(network, volume, TILE, mirror=(0, 2)))
    assert (labels != segmenter.labels(volume)).any()


def test_openvino_finds_the_same_structures() -> None:
    network, volume = _network(), _volume(20, 25, 33)
    labels = segment(network, volume, TILE, _choice("openvino"))
    assert _differs_only_in_ties(labels, _straightforward(network, volume, TILE))


def test_more_than_256_classes_need_two_bytes() -> None:
    network, volume = _network(classes=300), _volume(8, 12, 16)
    labels = segment(network, volume, TILE, _choice())
    assert labels.dtype == np.uint16
    assert labels.max() > 255


def test_tiles_of_air_are_skipped_and_the_others_are_not_moved() -> None:
    network, volume = _network(), _volume(40, 12, 16)
    body = np.zeros((40, 12, 16), dtype=bool)
    body[2, 3, 4] = True
    told: list[tuple[int, int]] = []
    segmenter = Segmenter(network, 1, TILE, _choice())
    labels = segmenter.labels(volume, body=body, on_tile=lambda done, of: told.append((done, of)))
    whole = segmenter.labels(volume)
    assert told == [(1, 1)]
    assert (labels[:4] == whole[:4]).all()
    assert (labels[8:] == 0).all()


def test_progress_counts_tiles_and_may_stop_the_work() -> None:
    segmenter = Segmenter(_network(), 1, TILE, _choice())
    told: list[int] = []

    def stop(done: int, of: int) -> None:
        assert of == 9
        told.append(done)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segmenter.labels(_volume(8, 24, 32), on_tile=stop)
    assert told == [1, 2, 3]
    assert (segmenter.labels(_volume(8, 24, 32)) == segmenter.labels(_volume(8, 24, 32))).all()


def test_memory_does_not_grow_with_classes_times_volume() -> None:
    network = _network(classes=105)
    segmenter = Segmenter(network, 1, TILE, _choice())
    volume, process = _volume(1200, 24, 32), psutil.Process()
    segmenter.labels(volume[:, :40])  # what every run needs once is there
    resident = [process.memory_info().rss]
    tracemalloc.start()
    labels = segmenter.labels(volume, on_tile=lambda _done, _of: resident.append(process.memory_info().rss))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * volume.nbytes  # numpy's share; the logits of all classes would be 105 times the volume
    assert max(resident) - resident[0] < 40 * volume.nbytes  # torch's share with it
    assert labels.shape == (1200, 24, 32)


class _Full(Slab):
    """Sums for which there is no memory when they are wider than so many voxels along the axis that is divided."""

    widest = 0

    def __init__(self, shape: Sequence[int], *others: Any) -> None:
        if shape[1] > self.widest:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        super().__init__(shape, *others)


def _parts_of(
    monkeypatch: pytest.MonkeyPatch, widest: int, volume: NDArray[np.float32], **options: Any
) -> tuple[list[int], Any]:
    monkeypatch.setattr(_Full, "widest", widest)
    monkeypatch.setattr(sliding, "Slab", _Full)
    told: list[int] = []
    return told, Segmenter(_network(), 1, TILE, _choice()).labels(volume, on_parts=told.append, **options)


@pytest.mark.parametrize("options", [{}, {"mirror": (1,)}, {"step": 0.3}])
def test_a_volume_is_divided_until_memory_holds_its_parts_and_the_labels_stay(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    volume = _volume(12, 40, 48)
    whole = Segmenter(_network(), 1, TILE, _choice()).labels(volume, **options)
    told, divided = _parts_of(monkeypatch, 18, volume, **options)
    assert told[:2] == [2, 4]
    assert np.array_equal(divided, whole)


def test_parts_look_where_the_body_is_and_every_tile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    volume, body, tiles = _volume(12, 40, 48), np.zeros((12, 40, 48), dtype=bool), []
    body[3:9, 20:31, 7:40] = True
    whole = Segmenter(_network(), 1, TILE, _choice()).labels(volume, body=body)
    _, divided = _parts_of(monkeypatch, 20, volume, body=body, on_tile=lambda done, of: tiles.append((done, of)))
    assert np.array_equal(divided, whole)
    _, total = tiles[-1]
    assert tiles[-total:] == [(done, total) for done in range(1, total + 1)]  # the last attempt, which was enough


def test_memory_that_holds_no_part_is_said_as_it_was_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        _parts_of(monkeypatch, 11, _volume(12, 40, 48))  # a part is at least as wide as a tile


def test_little_free_memory_means_parts_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    volume, tiles = _volume(12, 40, 48), []
    segmenter = Segmenter(_network(), 1, TILE, _choice())
    whole = segmenter.labels(volume)
    sums = 4 * (4 + 1) * 12 * 40 * TILE[2]
    monkeypatch.setattr(sliding, "free_memory", lambda: sums)
    told: list[int] = []
    divided = segmenter.labels(volume, on_parts=told.append, on_tile=lambda done, of: tiles.append(of))
    assert told == [2]
    assert np.array_equal(divided, whole)
    assert len(tiles) == tiles[0]


@settings(max_examples=50, deadline=None)
@given(size=st.integers(4, 60), tile=st.integers(2, 9), step=st.sampled_from([0.2, 0.5, 1.0]), most=st.integers(1, 9))
def test_bands_cover_an_axis_once(size: int, tile: int, step: float, most: int) -> None:
    found = bands(max(size, tile), tile, step, most)
    assert 1 <= len(found) <= most
    assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == max(size, tile)
    assert all(begin < end for begin, end in found)


def test_a_network_is_divided_without_being_changed() -> None:
    network = _network(channels=1)
    example = torch.from_numpy(_volume(8, 8, 8))[None]
    divided = divide(network, example.shape)
    with torch.inference_mode():
        features, logits = divided.trunk(example), network(example)
    assert features.shape == (1, 4, 8, 8, 8)
    again = torch.einsum("cf,nfzyx->nczyx", torch.from_numpy(divided.weight), features)
    assert torch.allclose(again + torch.from_numpy(divided.bias)[:, None, None, None], logits, atol=1e-5)
    shared = {tensor.data_ptr() for tensor in divided.trunk.parameters()}
    assert shared <= {tensor.data_ptr() for tensor in network.parameters()}


def test_a_network_without_a_linear_head_is_run_whole() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv3d(1, 3, 3, padding=1), nn.Tanh()).eval()
    volume = _volume(12, 14, 18)
    assert _differs_only_in_ties(segment(network, volume, TILE, _choice()), _straightforward(network, volume, TILE))


def test_a_network_that_answers_otherwise_is_refused() -> None:
    with pytest.raises(PluginError, match="one map for each class") as refused:
        Segmenter(nn.Sequential(nn.AdaptiveAvgPool3d(1)), 1, TILE, _choice())
    assert refused.value.code == "segment.not-logits"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_numbers_are_refused(value: float) -> None:
    volume = _volume(8, 12, 16)
    volume[0, 3, 3, 3] = value
    with pytest.raises(DataError) as refused:
        segment(_network(), volume, TILE, _choice())
    assert refused.value.code == "segment.not-finite"


@settings(max_examples=50, deadline=None)
@given(
    shape=st.tuples(*[st.integers(5, 20)] * 3),
    tile=st.tuples(*[st.integers(2, 5)] * 3),
    step=st.sampled_from([0.25, 0.5, 0.9, 1.0]),
    axis=st.integers(0, 2),
)
def test_tiles_cover_every_voxel_and_rows_finish_every_plane(
    shape: tuple[int, int, int], tile: tuple[int, int, int], step: float, axis: int
) -> None:
    covered = np.zeros(shape, dtype=int)
    planned = rows(shape, tile, step, axis)
    begin = 0
    for index, row in enumerate(planned):
        assert row.start == begin
        assert all(corner[axis] == row.start for corner in row.corners)
        begin += row.finished
        for corner in row.corners:
            cut = tuple(slice(start, start + side) for start, side in zip(corner, tile, strict=True))
            assert covered[cut].shape == tile
            covered[cut] += 1
        later = [other.start for other in planned[index + 1 :]]
        assert all(start >= begin for start in later)
    assert begin == shape[axis]
    assert covered.min() >= 1


def test_weights_are_nnunets() -> None:
    tile = (16, 24, 9)
    point = np.zeros(tile)
    point[tuple(side // 2 for side in tile)] = 1
    theirs = NDIMAGE.gaussian_filter(point, [side / 8 for side in tile], 0, mode="constant", cval=0)
    theirs /= theirs.max()
    theirs[theirs == 0] = theirs[theirs > 0].min()
    assert np.allclose(gaussian(tile), theirs, rtol=1e-5)

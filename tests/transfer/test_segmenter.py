from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.contract.bundle import NETWORK, BundleCard, BundleLabel, DataStatement, ModelBundle, Preprocessing
from medtransfer.contract.plan import Intensities, VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.verbs import JobCancelled
from medtransfer.errors import DataError, EnvironmentFailure, UserError
from medtransfer.inference import sliding
from medtransfer.result.model import Result
from medtransfer.sdk import SegmenterPlugin
from medtransfer.study.model import Image
from medtransfer.transfer import bundles, segmentation_explaining, segmenter
from tests.transfer.small import MANIFEST, PlainContext, request

TOWARDS_HEAD = np.array([[0.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
PLAN = VolumePlan(
    spacing=(2.0, 2.0, 2.0),
    patch=(16, 16, 16),
    pools=((2, 2, 2),),
    normalisation="ct",
    intensities=Intensities(mean=0.0, std=100.0, low=-1000.0, high=1000.0),
)
LABELS = [
    BundleLabel(id="soft", name="Soft tissue", value=1, colour="#aa3311"),
    BundleLabel(id="bone", name="Bone", value=2, code="272673000", colour="#eeeeee"),
    BundleLabel(id="metal", name="Metal", value=3),
]


class Levels(nn.Module):
    """Calls a voxel air, soft tissue, bone or metal by its value alone: a network whose answer is known."""

    def __init__(self) -> None:
        super().__init__()
        self.values = nn.Identity()
        self.head = nn.Conv3d(1, 4, 1)

    def forward(self, volume: Tensor) -> Tensor:
        answer: Tensor = self.head(self.values(volume))
        return answer


class BySize(SegmenterPlugin):
    """Counts how often it had to build its network."""

    built = 0

    def network(self, card: BundleCard) -> nn.Module:
        assert card.backbone == "levels"
        self.built += 1
        return Levels()


class Explaining(BySize):
    """Its map of a structure is the volume itself, as far as higher values speak for the structure."""

    explained = "values"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return written(tmp_path_factory.mktemp("bundle"), PLAN)


def written(folder: Path, preprocessing: VolumePlan | Preprocessing) -> ModelBundle:
    network = Levels()
    # Lines whose upper envelope changes at -5, 4 and 9 hundred HU.
    weight, bias = torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.tensor([0.0, 5.0, 1.0, -8.0])
    network.head.load_state_dict({"weight": weight.view(4, 1, 1, 1, 1), "bias": bias})
    card = BundleCard(
        name="levels",
        plugin=MANIFEST.id,
        plugin_version="1.0",
        created="2026-11-24T00:00:00+00:00",
        task="segmentation",
        labels=LABELS,
        backbone="levels",
        preprocessing=preprocessing,
        recipe=Recipe(),
        weights=[],
        data=DataStatement(
            fingerprint="", split_sha256="", cases=0, patients=0, train=0, validation=0, test=0, synthetic=True
        ),
        versions={},
        seed=0,
    )
    return bundles.write(folder, card, {NETWORK: bundles.stored(network.state_dict())})


def phantom() -> NDArray[np.int16]:
    values = np.full((20, 24, 28), -1000, np.int16)
    values[4:16, 4:20, 6:22] = 50
    values[8:12, 8:12, 10:16] = 600
    return values


def as_image(values: NDArray[np.generic], affine: NDArray[np.float64] = TOWARDS_HEAD) -> Image:
    return Image(array=values, axes="zyx", modality="CT", units="HU", affine=affine.copy())


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[PlainContext]:
    threads = torch.get_num_threads()
    yield PlainContext(tmp_path)
    torch.set_num_threads(threads)


def analyse(image: Image, bundle: ModelBundle, ctx: PlainContext, plugin: BySize | None = None) -> Result:
    return (plugin or BySize()).analyse(image, bundle, request(bundle), ctx)


def test_structures_come_back_on_the_volumes_own_grid_with_their_measures(
    bundle: ModelBundle, ctx: PlainContext
) -> None:
    values = phantom()
    result = analyse(as_image(values), bundle, ctx)
    assert result.segmentation is not None
    wanted = np.select([values == 600, values == 50], [2, 1], 0)
    assert np.array_equal(result.segmentation.array, wanted)
    soft, bone, metal = result.segmentation.structures
    assert (soft.label, soft.value, soft.colour, soft.mean_hu, soft.sd_hu) == ("soft", 1, "#aa3311", 50.0, 0.0)
    assert soft.volume_ml == pytest.approx((values == 50).sum() * 0.008)
    assert (bone.code, bone.mean_hu, bone.box) == ("272673000", 600.0, ((8, 8, 10), (11, 11, 15)))
    assert (metal.volume_ml, metal.mean_hu, metal.box) == (0.0, None, None)
    assert result.passport.model_sha256 == bundle.sha256
    assert result.passport.runtime.startswith("torch in fp32")
    assert {notice.code for notice in result.notices} == {"model.synthetic"}


def test_turned_and_finer_volumes_give_the_same_structures(bundle: ModelBundle, ctx: PlainContext) -> None:
    fine = phantom().repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    half = TOWARDS_HEAD @ np.diag([0.5, 0.5, 0.5, 1.0])
    turned = as_image(fine[::-1, :, ::-1].copy(), half @ np.diag([-1.0, 1.0, -1.0, 1.0]))
    result = analyse(turned, bundle, ctx)
    assert result.segmentation is not None
    assert result.segmentation.array.shape == fine.shape
    volumes = {structure.label: structure.volume_ml for structure in result.segmentation.structures}
    assert volumes["bone"] == pytest.approx(96 * 0.008, rel=0.05)
    assert volumes["soft"] + volumes["bone"] == pytest.approx(12 * 16 * 16 * 0.008, rel=0.05)


def test_the_network_stays_warm_for_the_same_model(bundle: ModelBundle, ctx: PlainContext) -> None:
    plugin = BySize()
    for _ in range(2):
        analyse(as_image(phantom()), bundle, ctx, plugin)
    assert plugin.built == 1


def test_tiles_are_told_and_a_person_can_stop_between_them(bundle: ModelBundle, ctx: PlainContext) -> None:
    analyse(as_image(phantom()), bundle, ctx)
    tiles = [stage for _, stage, _ in ctx.told if stage.startswith("tile")]
    assert tiles[-1] == f"tile {len(tiles)} of {len(tiles)}"
    assert len(tiles) > 4
    assert [fraction for fraction, _, _ in ctx.told] == sorted(fraction for fraction, _, _ in ctx.told)

    def stop() -> None:
        if ctx.told[-1][1].startswith("tile 2"):
            raise JobCancelled

    ctx.told.clear()
    with pytest.raises(JobCancelled):
        analyse(as_image(phantom()), bundle, replace(ctx, interrupt=stop))


def test_air_is_not_looked_at(bundle: ModelBundle, ctx: PlainContext) -> None:
    wide = np.full((20, 24, 96), -1000, np.int16)
    wide[:, :, :28] = phantom()
    analyse(as_image(wide), bundle, ctx)
    with_air = len([stage for _, stage, _ in ctx.told if stage.startswith("tile")])
    ctx.told.clear()
    analyse(replace(as_image(wide), units="stored"), bundle, ctx)
    without = len([stage for _, stage, _ in ctx.told if stage.startswith("tile")])
    assert with_air < without / 2


@pytest.mark.parametrize("shape", [(1, 24, 28), (3, 5, 7)])
def test_volumes_smaller_than_the_patch_are_segmented_and_noticed(
    bundle: ModelBundle, ctx: PlainContext, shape: tuple[int, int, int]
) -> None:
    values = np.full(shape, 50, np.int16)
    values[0, 0, 0] = -1000
    result = analyse(as_image(values), bundle, ctx)
    assert result.segmentation is not None
    assert np.array_equal(result.segmentation.array, (values == 50).astype(np.uint8))
    assert "volume.small" in {notice.code for notice in result.notices}


def test_far_apart_slices_are_noticed(bundle: ModelBundle, ctx: PlainContext) -> None:
    coarse = TOWARDS_HEAD @ np.diag([5.0, 0.25, 0.25, 1.0])
    result = analyse(as_image(phantom(), coarse), bundle, ctx)
    assert "volume.coarse" in {notice.code for notice in result.notices}
    assert result.segmentation is not None
    assert result.segmentation.array.shape == (20, 24, 28)


def test_another_modality_and_lost_values_are_noticed_and_an_empty_answer_too(
    bundle: ModelBundle, ctx: PlainContext
) -> None:
    mr = phantom().astype(np.float32)
    mr[0, 0, 0] = np.nan
    result = analyse(replace(as_image(mr), modality="MR", units="stored"), bundle, ctx)
    assert {"volume.other-modality", "volume.not-finite"} <= {notice.code for notice in result.notices}
    air = np.full((20, 20, 20), -1000, np.int16)
    air[3, 3, 3] = -990
    empty = analyse(as_image(air), bundle, ctx)
    assert "segment.nothing" in {notice.code for notice in empty.notices}


def test_what_cannot_be_segmented_is_refused(bundle: ModelBundle, ctx: PlainContext, tmp_path: Path) -> None:
    with pytest.raises(DataError) as constant:
        analyse(as_image(np.zeros((8, 8, 8), np.int16)), bundle, ctx)
    assert constant.value.code == "volume.constant"
    with pytest.raises(DataError) as lost:
        analyse(as_image(np.full((8, 8, 8), np.nan, np.float32)), bundle, ctx)
    assert lost.value.code == "volume.not-finite"
    folder = tmp_path / "pictures"
    folder.mkdir()
    pictures = written(folder, Preprocessing(size=64, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)))
    with pytest.raises(UserError) as made_for:
        analyse(as_image(phantom()), pictures, ctx)
    assert made_for.value.code == "model.preprocessing"


def test_a_damaged_bundle_is_refused(ctx: PlainContext, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    damaged = written(folder, PLAN)
    (folder / NETWORK).write_bytes(b"nothing")
    with pytest.raises(DataError) as raised:
        analyse(as_image(phantom()), damaged, ctx)
    assert raised.value.code == "bundle.damaged"


def explained(bundle: ModelBundle, ctx: PlainContext, *labels: str, image: Image | None = None) -> Result:
    asked = request(bundle, explain=list(labels), faithfulness=True)
    return Explaining().analyse(image or as_image(phantom()), bundle, asked, ctx)


def test_a_structure_asked_for_is_explained_where_it_was_found(bundle: ModelBundle, ctx: PlainContext) -> None:
    result = explained(bundle, ctx, "bone")
    (heatmap,) = result.heatmaps
    assert (heatmap.info.label, heatmap.info.method, heatmap.info.layer) == ("bone", "Seg-Grad-CAM", "values")
    assert heatmap.array.shape == phantom().shape
    bone = phantom() == 600
    assert heatmap.array[bone].min() > 0.9
    assert heatmap.array[phantom() == 50].max() < 0.2
    # Bone's logit rises by 2 per unit in each of its voxels; its mean has a mean gradient of that over the tile.
    assert heatmap.info.raw_maximum == pytest.approx(2 / 16**3 * 600 / 100)
    assert heatmap.info.faithfulness is not None
    assert heatmap.info.faithfulness.score > heatmap.info.faithfulness.random_score


def test_a_map_lies_on_the_volumes_own_grid(bundle: ModelBundle, ctx: PlainContext) -> None:
    fine = phantom().repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    half = TOWARDS_HEAD @ np.diag([0.5, 0.5, 0.5, 1.0])
    turned = as_image(fine[::-1, :, ::-1].copy(), half @ np.diag([-1.0, 1.0, -1.0, 1.0]))
    (heatmap,) = explained(bundle, ctx, "bone", image=turned).heatmaps
    inside = fine[::-1, :, ::-1] == 600
    assert heatmap.array.shape == fine.shape
    assert heatmap.array[inside].mean() > 0.8
    assert heatmap.array[~inside].mean() < 0.2


def test_what_was_not_found_cannot_be_explained_and_is_said(bundle: ModelBundle, ctx: PlainContext) -> None:
    result = explained(bundle, ctx, "metal")
    assert result.heatmaps == ()
    assert [n.message for n in result.notices if n.code == "explain.empty"] == [
        "Metal: it was not found, so there is nothing to explain."
    ]


def test_only_structures_that_the_model_has_can_be_explained(bundle: ModelBundle, ctx: PlainContext) -> None:
    with pytest.raises(UserError) as caught:
        explained(bundle, ctx, "horn")
    assert caught.value.code == "explain.unknown-label"
    assert explained(bundle, ctx, "all").heatmaps == explained(bundle, ctx, "positive").heatmaps == ()


def tiles(ctx: PlainContext) -> int:
    """Return how many tiles the last analysis had."""
    return next(int(stage.split()[-1]) for _, stage, _ in reversed(ctx.told) if stage.startswith("tile"))


def test_a_volume_is_segmented_fast_on_a_coarser_grid(bundle: ModelBundle, ctx: PlainContext) -> None:
    fine = phantom().repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    result = BySize().analyse(as_image(fine), bundle, request(bundle, quality="fast"), ctx)
    assert result.segmentation is not None
    assert result.segmentation.array.shape == fine.shape
    assert result.passport.parameters["quality"] == "fast"
    assert [n.message for n in result.notices if n.code == "segment.fast"] == [
        "Segmented on a grid of 3 mm; the network was trained on one of 2 x 2 x 2 mm."
    ]
    fast = tiles(ctx)
    BySize().analyse(as_image(fine), bundle, request(bundle), ctx)
    assert fast < tiles(ctx)


class Lopsided(Levels):
    """Answers by where a voxel lies in its tile, so that mirrored tiles answer otherwise."""

    def forward(self, volume: Tensor) -> Tensor:
        place = torch.linspace(-1, 1, volume.shape[2], device=volume.device).view(1, 1, -1, 1, 1)
        answer: Tensor = self.head(self.values(volume) + 8 * place.expand_as(volume))
        return answer


class Thorough(BySize):
    def network(self, card: BundleCard) -> nn.Module:
        return Lopsided()


def test_thorough_answers_are_the_mean_over_mirrored_tiles(tmp_path: Path, ctx: PlainContext) -> None:
    """Along the axis that matters the two answers cancel, and what is left is the answer by value alone."""
    (tmp_path / "bundle").mkdir()
    mirrored = written(tmp_path / "bundle", PLAN.model_copy(update={"mirrored": (0,)}))
    small = as_image(phantom()[2:18])  # as high as one tile
    once, both = (
        Thorough().analyse(small, mirrored, request(mirrored, quality=quality), ctx) for quality in ("full", "thorough")
    )
    by_value = analyse(small, mirrored, ctx)
    assert once.segmentation is not None
    assert both.segmentation is not None
    assert by_value.segmentation is not None
    assert np.array_equal(both.segmentation.array, by_value.segmentation.array)
    assert not np.array_equal(once.segmentation.array, by_value.segmentation.array)


def test_a_model_that_never_saw_mirrored_bodies_is_not_asked_about_them(bundle: ModelBundle, ctx: PlainContext) -> None:
    result = Thorough().analyse(as_image(phantom()), bundle, request(bundle, quality="thorough"), ctx)
    full = Thorough().analyse(as_image(phantom()), bundle, request(bundle), ctx)
    assert result.segmentation is not None
    assert full.segmentation is not None
    assert np.array_equal(result.segmentation.array, full.segmentation.array)
    assert "segment.not-mirrored" in {notice.code for notice in result.notices}


class Hungry(Levels):
    """Has no memory for tiles above a size, on the processor and in torch's words."""

    largest = 0

    def forward(self, volume: Tensor) -> Tensor:
        if volume.device.type != "meta" and volume[0, 0].numel() > self.largest:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte"
            )
        return super().forward(volume)


class Starving(BySize):
    """A plug-in whose network is hungry."""

    explained = "values"

    def __init__(self, largest: int) -> None:
        super().__init__()
        self.largest = largest

    def network(self, card: BundleCard) -> nn.Module:
        self.built += 1
        network = Hungry()
        network.largest = self.largest
        return network


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return written(tmp_path_factory.mktemp("large"), PLAN.model_copy(update={"patch": (64, 64, 64)}))


def codes(result: Result) -> set[str]:
    return {notice.code for notice in result.notices}


@pytest.mark.parametrize("largest", [64**3 // 2, 32**3])
def test_tiles_become_smaller_until_memory_holds_one_and_it_is_said(
    large: ModelBundle, ctx: PlainContext, largest: int
) -> None:
    plugin = Starving(largest)
    result = plugin.analyse(as_image(phantom()), large, request(large), ctx)
    assert result.segmentation is not None
    assert np.array_equal(result.segmentation.array, np.select([phantom() == 600, phantom() == 50], [2, 1], 0))
    (said,) = [notice for notice in result.notices if notice.code == "segment.small-tiles"]
    assert "in place of 64 x 64 x 64" in said.message
    assert "processor in tiles of" in result.passport.runtime
    assert any("memory is short: trying on the processor" in text for level, text in ctx.lines if level == "warning")
    plugin.largest = 64**3
    assert "segment.small-tiles" not in codes(plugin.analyse(as_image(phantom()), large, request(large), ctx))


def test_memory_for_no_tile_is_an_error_of_the_machine_with_a_way_out(large: ModelBundle, ctx: PlainContext) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        Starving(1000).analyse(as_image(phantom()), large, request(large), ctx)
    assert caught.value.code == "segment.memory"
    assert "--quality fast" in caught.value.hint
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_other_failures_of_a_network_are_not_tried_again(large: ModelBundle, ctx: PlainContext) -> None:
    class Broken(BySize):
        def network(self, card: BundleCard) -> nn.Module:
            network = super().network(card)
            network.register_forward_pre_hook(_fail)
            return network

    plugin = Broken()
    with pytest.raises(RuntimeError, match="shapes"):
        plugin.analyse(as_image(phantom()), large, request(large), ctx)
    assert plugin.built == 1


def _fail(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    if inputs[0].device.type != "meta":
        raise RuntimeError("shapes cannot be multiplied")


def test_a_volume_in_parts_is_the_same_and_is_said(
    bundle: ModelBundle, ctx: PlainContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = analyse(as_image(phantom()), bundle, ctx)
    monkeypatch.setattr(sliding, "free_memory", lambda: 20_000)
    parts = analyse(as_image(phantom()), bundle, ctx)
    assert whole.segmentation is not None
    assert parts.segmentation is not None
    assert np.array_equal(whole.segmentation.array, parts.segmentation.array)
    assert "segment.parts" in codes(parts) - codes(whole)


def test_memory_too_short_for_preparing_is_said(
    bundle: ModelBundle, ctx: PlainContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(segmenter, "prepare", full)
    with pytest.raises(EnvironmentFailure) as caught:
        analyse(as_image(phantom()), bundle, ctx)
    assert caught.value.code == "segment.memory"


def test_memory_too_short_for_a_map_takes_nothing_away(
    bundle: ModelBundle, ctx: PlainContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(segmentation_explaining.Explainer, "explain", full)
    result = explained(bundle, ctx, "bone")
    assert result.heatmaps == ()
    assert "explain.memory" in codes(result)
    assert result.segmentation is not None
    assert (result.segmentation.array == 2).any()

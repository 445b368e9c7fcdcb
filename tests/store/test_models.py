from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtransfer.errors import DataError, UserError
from medtransfer.store import models
from medtransfer.store.home import Home
from tests.conftest import BundleMaker


def test_the_same_name_gives_the_next_version_and_overwrites_nothing(home: Home, make_bundle: BundleMaker) -> None:
    first = models.publish(home, make_bundle(seed=1), "eyes")
    second = models.publish(home, make_bundle(seed=2), "eyes")
    assert (first.reference, second.reference) == ("eyes@1", "eyes@2")
    assert first.open().card.seed == 1
    assert models.find(home, "eyes").sha256 == second.sha256
    assert models.find(home, "eyes@1").sha256 == first.sha256
    assert first.folder == home.models / first.sha256[:2] / first.sha256


def test_publishing_the_same_content_again_is_the_same_version(home: Home, make_bundle: BundleMaker) -> None:
    folder = make_bundle()
    assert models.publish(home, folder, "eyes") == models.publish(home, folder, "eyes")
    assert len(models.list_models(home)) == 1


def test_a_model_is_found_by_the_start_of_its_address(home: Home, make_bundle: BundleMaker) -> None:
    folder = make_bundle()
    published = models.publish(home, folder, "eyes")
    models.publish(home, folder, "another name")
    assert models.find(home, published.sha256[:8]).sha256 == published.sha256


@pytest.mark.parametrize("reference", ["nobody", "eyes@7", "eyes@x", "abcdef0", ""])
def test_an_unknown_model_is_an_error_that_names_it(home: Home, make_bundle: BundleMaker, reference: str) -> None:
    models.publish(home, make_bundle(), "eyes")
    with pytest.raises(UserError, match="no such model") as caught:
        models.find(home, reference)
    assert caught.value.subject == reference


def test_a_damaged_bundle_is_not_published(home: Home, make_bundle: BundleMaker) -> None:
    folder = make_bundle()
    (folder / "weights.txt").write_text("changed")
    with pytest.raises(DataError, match="missing or was changed"):
        models.publish(home, folder, "eyes")
    assert models.list_models(home) == []
    assert not list(home.models.rglob("model.json"))


def test_deleting_takes_the_files_only_with_the_last_name(home: Home, make_bundle: BundleMaker) -> None:
    folder = make_bundle()
    one = models.publish(home, folder, "one")
    models.publish(home, folder, "two")
    models.delete(home, "one")
    assert one.folder.is_dir()
    models.delete(home, "two")
    assert not one.folder.exists()
    assert models.list_models(home) == []


def test_a_deleted_version_number_is_not_given_again_while_later_ones_exist(
    home: Home, make_bundle: BundleMaker
) -> None:
    for seed in (1, 2):
        models.publish(home, make_bundle(seed=seed), "eyes")
    models.delete(home, "eyes@1")
    assert models.publish(home, make_bundle(seed=3), "eyes").reference == "eyes@3"


def test_the_newest_model_of_a_plug_in_is_the_one_published_last(home: Home, make_bundle: BundleMaker) -> None:
    models.publish(home, make_bundle(seed=1), "zebra")
    last = models.publish(home, make_bundle(seed=2), "ape")
    models.publish(home, make_bundle(plugin="test.other", seed=3), "other")
    assert models.newest(home, "test.echo") == last
    assert models.newest(home, "test.none") is None


def test_publishing_at_once_gives_every_content_a_version_of_its_own(home: Home, make_bundle: BundleMaker) -> None:
    folders = [make_bundle(seed=seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda folder: models.publish(home, folder, "eyes").version, folders))
    assert sorted(versions) == list(range(1, 9))


@given(name=st.text(max_size=100))
def test_a_name_is_either_refused_or_can_be_asked_for(name: str) -> None:
    try:
        models.check_name(name)
    except UserError:
        return
    assert "@" not in name
    assert "/" not in name
    assert not Path(name).is_absolute()
    assert name == name.lstrip()


def test_starter_is_not_a_name(home: Home, make_bundle: BundleMaker) -> None:
    with pytest.raises(UserError, match="cannot be the name"):
        models.publish(home, make_bundle(), "starter")

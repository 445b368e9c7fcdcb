from __future__ import annotations

from pathlib import Path

import numpy as np

from medtransfer.cohort.model import Case
from medtransfer.transfer import backbones, trio_stage
from medtransfer.transfer.division import last_layer
from medtransfer.transfer.fit import LabelledKeys

LABELS = ("dr", "dme")


def cases(*answers: tuple[int | None, int | None]) -> list[Case]:
    return [
        Case(
            key=f"{row:016x}",
            image=Path("none.png"),
            patient=f"p{row}",
            labels=dict(zip(LABELS, given, strict=True)),
            row=row,
        )
        for row, given in enumerate(answers)
    ]


def test_unknown_answers_say_nothing_of_any_disease() -> None:
    given = cases((1, None), (0, None), (None, None), (0, 1), (0, 0))
    found = trio_stage.any_disease(given, LABELS)
    assert found.keys == [given[row].key for row in (0, 1, 3, 4)]
    assert found.truth.tolist() == [1, 0, 1, 0]
    assert trio_stage.outputs_of(found) == 1


def test_all_findings_together_keep_what_is_unknown() -> None:
    found = trio_stage.together_of(cases((1, None), (None, None), (0, 1)), LABELS)
    np.testing.assert_array_equal(found.truth, [[1, np.nan], [0, 1]])
    assert trio_stage.outputs_of(found) == 2
    assert trio_stage.has_both(found).tolist() == [True, False]


def test_nobody_known_is_nobody() -> None:
    found = trio_stage.any_disease(cases((None, None)), LABELS)
    assert found.keys == []
    assert not trio_stage.has_both(found).any()


def test_each_output_starts_as_a_regression_on_what_is_known_of_it() -> None:
    generator = np.random.default_rng(3)
    network = backbones.create("test_efficientnet", outputs=1)
    trio_stage.with_outputs(network, 3)
    features = generator.normal(size=(60, last_layer(network).in_features)).astype(np.float32)
    truth = (features[:, :2] + generator.normal(size=(60, 2)) > 0).astype(np.float64)
    truth[::4, 1] = np.nan
    given = LabelledKeys([str(n) for n in range(60)], np.column_stack([truth, np.zeros(60)]))
    trio_stage.start(network, features, given, np.arange(60), seed=1)
    weight = last_layer(network).weight.detach().numpy()
    for output in (0, 1):
        known = ~np.isnan(truth[:, output])
        said = features[known] @ weight[output]
        assert np.corrcoef(said, truth[known, output])[0, 1] > 0.5
    assert (weight[2] == 0).all(), "all of one class"
    assert last_layer(network).bias.tolist()[2] == 0.0

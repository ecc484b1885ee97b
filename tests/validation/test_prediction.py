"""What a plan may gain, from an experiment whose slope is known."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from closerlook.errors import CloserlookError, UsageError
from closerlook.selection import Plan
from closerlook.selection.plan import Provenance
from closerlook.validation import Validation, predict_gain
from closerlook.validation.estimates import Estimate
from closerlook.validation.prediction import WIDTH

EVIDENCE = {"gain": 0.05, "gain_low": 0.05 - WIDTH / 200, "gain_high": 0.05 + WIDTH / 200}  # error 0.01


def experiment(slope: float, error: float) -> Validation:
    own = SimpleNamespace(
        target="city", slope=Estimate(slope, slope - error * WIDTH / 2, slope + error * WIDTH / 2, 0.0)
    )
    config = SimpleNamespace(subsets=30, recipe="cpu-quick", steps=400)
    return cast(Validation, SimpleNamespace(outcome=SimpleNamespace(targets=(own,)), config=config))


def plan(**changed: Any) -> Plan:
    known: dict[str, Any] = {
        "method": "greedy",
        "criterion": "mmd2",
        "rule": "mean",
        "source": "rendered",
        "target": "city/train",
        "embedding": "lite0",
        "scaling": "balanced",
        "evidence": EVIDENCE,
    }
    return Plan(values={}, images=1, share=0.5, provenance=Provenance.model_validate({**known, **changed}))


def test_the_prediction_is_slope_times_nearness_with_the_errors_of_both() -> None:
    found = predict_gain(plan(), experiment(-0.2, 0.1)).predicted_gain
    assert found is not None
    assert found.mean == pytest.approx(0.01)
    error = ((0.2 * 0.01) ** 2 + (0.05 * 0.1) ** 2 + (0.01 * 0.1) ** 2) ** 0.5
    assert found.high - found.low == pytest.approx(WIDTH * error)
    assert found.basis == "30 subsets by cpu-quick, 400 steps"


def test_a_target_that_farther_images_serve_gives_a_loss() -> None:
    found = predict_gain(plan(), experiment(0.2, 0.0)).predicted_gain
    assert found is not None
    assert found.high < 0


@pytest.mark.parametrize(
    ("made", "kind", "message"),
    [
        (lambda: plan(target="farm/train"), UsageError, "Unknown target of the experiment"),
        (lambda: plan(embedding="vgg19"), CloserlookError, "other units"),
        (lambda: plan(scaling="literal"), CloserlookError, "other units"),
        (lambda: plan(evidence={}), CloserlookError, "cannot be predicted"),
        (lambda: plan(evidence={"gain": 0.1}), CloserlookError, "too few people"),
        (lambda: Plan(values={}, images=1, share=0.5), CloserlookError, "cannot be predicted"),
    ],
)
def test_what_cannot_be_predicted_is_told(made: Callable[[], Plan], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        predict_gain(made(), experiment(-0.2, 0.1))


def test_a_plan_with_a_prediction_comes_back_from_its_file(tmp_path: Any) -> None:
    predicted = predict_gain(plan(), experiment(-0.2, 0.1))
    predicted.save(tmp_path / "plan.yaml")
    assert Plan.load(tmp_path / "plan.yaml") == predicted

"""Whatever is asked of select: a plan that is what its provenance says, or one message."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.errors import CloserlookError, UsageError
from closerlook.selection import METHODS, Plan, select
from closerlook.selection.methods.greedy import CRITERIA
from closerlook.selection.rules import parse_rule

from .conftest import Made, repeated

pytestmark = pytest.mark.slow


NAMES = ("f0", "f1", "f2")
NUMBERS = st.one_of(st.floats(), st.integers(-3, 2000), st.just(2**70))
SHARES = st.one_of(st.floats(0, 1), st.floats())


@pytest.fixture(autouse=True, scope="module")
def few_halves() -> Iterator[None]:
    with repeated(1):
        yield


GAPS = {missing: Made((3, 2, 2), 9, per_cell=4, missing=missing).gap for missing in (0.0, 0.4)}
RULES = st.one_of(
    st.sampled_from(
        ["mean", "not-worse", "top:1", "top:2", "below:0.3", "paper:market", "", "below:nan", "top:" + "9" * 5000]
    ),
    st.builds("{}:{}".format, st.sampled_from(["top", "below", "paper"]), st.one_of(NUMBERS, st.text(max_size=4))),
    st.text(max_size=8),
)
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "method": st.sampled_from([*METHODS, "best"]),
    "criterion": st.sampled_from([*CRITERIA, "loss"]),
    "rule": RULES,
    "all_levels": st.one_of(st.none(), st.lists(st.sampled_from([*NAMES, "f9"]), max_size=4), st.sampled_from(NAMES)),
    "budget": st.one_of(st.none(), st.integers(-2, 2000), st.just(2**70)),
    "diversity": st.one_of(st.just(0.0), st.floats(0, 2), st.floats()),
    "min_effective_cells": st.one_of(st.none(), NUMBERS),
    "caps": st.dictionaries(
        st.sampled_from([*NAMES, "f9"]),
        st.dictionaries(st.sampled_from(["l0", "l1", "l9"]), SHARES, max_size=2),
        max_size=2,
    ),
    "seed": st.one_of(st.integers(), st.just(2**70)),
}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(missing=st.sampled_from(list(GAPS)), options=st.fixed_dictionaries({}, optional=OPTIONS))
def test_any_options_give_a_plan_or_a_message(missing: float, options: dict[str, Any]) -> None:
    gap = GAPS[missing]
    try:
        plan = select(gap, **options)
    except CloserlookError as error:
        assert str(error)
        return
    check(gap, plan, options)


def check(gap: Any, plan: Plan, options: dict[str, Any]) -> None:
    """That the plan is what was asked for, and its provenance says what was asked for."""
    provenance = plan.provenance
    assert provenance is not None
    shares = {name: sum(own.values()) for name, own in plan.counts.items()}
    assert all(abs(images - plan.images) <= len(gap.factors[0].levels) for images in shares.values())
    assert 0 < plan.images <= (math.inf if provenance.budget is None else provenance.budget)
    assert set(provenance.all_levels) == set(options.get("all_levels") or ())
    assert provenance.budget == options.get("budget")
    assert provenance.rule == options.get("rule", "not-worse" if provenance.criterion == "mmd2" else "mean")
    for name in provenance.all_levels:
        assert plan.values[name] == gap.factors[NAMES.index(name)].levels
    if (floor := options.get("diversity", 0)) > 0:
        assert (provenance.scores["diversity"] or 0) >= floor - 1e-9
    if (gained := provenance.optimum.get("greedy_gap")) is not None:
        assert gained >= -1e-9
    if plan.weights:
        weights = np.array([cell.weight for cell in plan.weights])
        assert 1 / (weights**2).sum() >= (options.get("min_effective_cells") or 0) - 1e-3
        for name, capped in options.get("caps", {}).items():
            for level, cap in capped.items():
                assert sum(cell.weight for cell in plan.weights if cell.levels[name] == level) <= cap + 1e-5
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0}, "at least one image, not 0"),
        ({"budget": -5, "method": "exhaustive"}, "at least one image, not -5"),
        ({"budget": 0, "method": "quadratic"}, "at least one image, not 0"),
        ({"diversity": math.nan, "method": "exhaustive"}, "diversity must be 0 or more, not nan"),
        ({"diversity": -1.0, "method": "exhaustive"}, "diversity must be 0 or more, not -1"),
        ({"all_levels": "f0"}, "as \\['f0'\\], not the text"),
        ({"all_levels": np.array([True, False, True])}, "Unknown attribute to take all levels of: 'True'"),
        ({"rule": ""}, "Unknown rule ''"),
        ({"rule": "best", "method": "quadratic", "budget": 100}, "Unknown rule 'best'"),
        ({"caps": {"f0": {"l0": math.nan}}, "method": "quadratic"}, "a share between 0 and 1, not nan"),
        ({"min_effective_cells": math.nan, "method": "quadratic"}, "min_effective_cells must be"),
    ],
)
def test_what_cannot_be_is_explained(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        select(GAPS[0.0], **options)


@pytest.mark.parametrize(
    "text", ["top:" + "9" * 5000, "below:1e999", "below:", "top:0", "top:-1", "paper:", "Mean", "mean "]
)
def test_what_is_no_rule_is_explained(text: str) -> None:
    with pytest.raises(UsageError, match="Unknown"):
        parse_rule(text)

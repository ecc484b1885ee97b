import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.choices import IdentityOrder
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.gap import Gap, analyze
from closerlook.selection import Plan, select, select_identities
from closerlook.selection.identities import choose_identities, farthest, nearest, with_identities
from gap.conftest import SIZE, write_source, write_target

from .conftest import Made


def reach(vectors: np.ndarray, chosen: tuple[int, ...]) -> float:
    """The largest distance of anybody to the nearest chosen one."""
    return float(np.sqrt(((vectors[:, None] - vectors[None, list(chosen)]) ** 2).sum(axis=2)).min(axis=1).max())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), people=st.integers(3, 8), number=st.integers(1, 3))
def test_farthest_points_reach_at_most_twice_as_far_as_the_best(seed: int, people: int, number: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(people, 3))
    chosen = farthest(vectors, number)
    assert len(set(chosen)) == number
    best = min(reach(vectors, subset) for subset in itertools.combinations(range(people), number))
    assert reach(vectors, tuple(chosen)) <= 2 * best + 1e-9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), number=st.integers(1, 6))
def test_nearest_is_greedy(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, goal = rng.normal(size=(7, 3)), rng.normal(size=3)
    chosen: list[int] = []
    for _ in range(number):
        rest = [i for i in range(7) if i not in chosen]
        chosen.append(min(rest, key=lambda i: ((vectors[[*chosen, i]].mean(axis=0) - goal) ** 2).sum()))
    assert nearest(vectors, goal, number).tolist() == chosen


def test_a_larger_budget_only_adds_people() -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 4))
    assert farthest(vectors, 12)[:5].tolist() == farthest(vectors, 5).tolist()
    assert nearest(vectors, vectors[3], 12)[:5].tolist() == nearest(vectors, vectors[3], 5).tolist()


def test_a_plan_of_people_keeps_only_them_and_counts_anew() -> None:
    table = pl.DataFrame(
        {
            "file_name": [f"{row}.png" for row in range(12)],
            "identity": [row // 4 for row in range(12)],
            "weather": ["sunny", "foggy"] * 6,
        }
    )
    source = Dataset.from_table(Path(), table, "made", None)
    plan = with_identities(Plan(values={"weather": ("sunny",)}, images=6, share=0.5), np.array([2, 0]), source)
    assert plan.identities == (0, 2)
    assert (plan.images, plan.share) == (4, pytest.approx(1 / 3))
    assert plan.rows(source.table).tolist() == [0, 2, 8, 10]
    control = plan.random_control(1).rows(source.table)
    assert len(control) == 4
    assert len(set(source.identities[control])) == 2


def test_a_plan_says_that_its_evidence_is_of_all_people() -> None:
    made = Made((2, 2), 0)
    source = Dataset.from_table(Path(), made.gap.losses.select("file_name", "identity", "f0", "f1"), "made", None)
    plan = select(made.gap, all_levels=["f0", "f1"])
    assert plan.provenance is not None
    chosen = with_identities(plan, np.array([1, 3]), source).provenance
    assert chosen is not None
    assert chosen.notes == (
        *plan.provenance.notes,
        "The scores and the evidence are of all people, before 2 of them were chosen.",
    )


def test_wrong_requests_are_explained() -> None:
    made = Made((2, 2), 0)
    source = Dataset.from_table(Path(), pl.DataFrame({"file_name": ["a", "b"], "identity": [0, 1]}), "made", ())
    with pytest.raises(UsageError, match="2 people; 5"):
        choose_identities(made.gap, source, 5)
    with pytest.raises(UsageError, match="needs the target"):
        choose_identities(made.gap, source, 1, by="near")
    with pytest.raises(UsageError, match="Did you mean 'near'"):
        choose_identities(made.gap, source, 1, by="nearr")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gap, Dataset, Dataset]:
    """A gap between images on disk, with its source and target."""
    source = write_source(tmp_path_factory.mktemp("source"))
    target = write_target(tmp_path_factory.mktemp("target"), images=8)
    return analyze(source, target, embedding="lite0-pooled", size=SIZE), source, target


@pytest.mark.parametrize("by", ["far", "near"])
def test_a_plan_is_cut_to_the_people_chosen(measured: tuple[Gap, Dataset, Dataset], by: IdentityOrder) -> None:
    gap, source, target = measured
    whole = Plan(values={"weather": ("sunny", "foggy")}, images=24, share=2 / 3)
    few, more = (select_identities(gap, source, n, plan=whole, by=by, target=target) for n in (2, 4))
    assert len(few.identities) == 2 and set(few.identities) < set(more.identities)
    assert (few.images, few.values) == (2 * 4, whole.values)
    assert set(source.subset(few).identities.tolist()) == set(few.identities)


def test_without_a_plan_all_images_are_chosen_from(measured: tuple[Gap, Dataset, Dataset]) -> None:
    gap, source, _ = measured
    assert select_identities(gap, source, 3).images == 3 * 6

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.errors import CloserlookError
from closerlook.selection import Plan, controls, select
from closerlook.selection.drawing import draw_like, scenes_of

from .conftest import Made

pytestmark = pytest.mark.slow


@settings(max_examples=60, deadline=None)
@given(
    identities=st.lists(st.integers(0, 8), min_size=2, max_size=60),
    share=st.floats(0.05, 1.0),
    seed=st.integers(0, 1000),
)
def test_as_many_images_of_as_many_people(identities: list[int], share: float, seed: int) -> None:
    people = np.array(identities)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(people))[: max(1, int(share * len(people)))])
    control = draw_like(people, np.arange(len(people)), chosen, seed)
    assert len(set(control)) == len(chosen)
    assert len(set(people[control])) == len(set(people[chosen]))


@settings(max_examples=60, deadline=None)
@given(scenes=st.integers(1, 5), lights=st.integers(1, 4), kept=st.data(), seed=st.integers(0, 1000))
def test_as_many_scenes_of_each_where_people_have_equally_many(
    scenes: int, lights: int, kept: st.DataObject, seed: int
) -> None:
    """A person, scene and light for each row; the choice takes some of either."""
    grid = np.array(list(np.ndindex(6, scenes, lights)))
    people, scene = grid[:, 0], grid[:, 0] * scenes + grid[:, 1]
    some = (
        kept.draw(st.sets(st.integers(0, scenes - 1), min_size=1)),
        kept.draw(st.sets(st.integers(0, lights - 1), min_size=1)),
    )
    chosen = np.flatnonzero(np.isin(grid[:, 1], list(some[0])) & np.isin(grid[:, 2], list(some[1])))
    control = draw_like(people, scene, chosen, seed)
    assert len(set(control)) == len(chosen)
    for person in range(6):
        rows = control[people[control] == person]
        assert len(rows) == len(some[0]) * len(some[1])
        assert len(np.unique(scene[rows])) == len(some[0])


def test_images_of_one_pose_and_camera_are_a_scene() -> None:
    rows = [(1, [0.0, 1.0], [1.0]), (1, [0.0, 1.0], [1.0]), (1, [0.0, 2.0], [1.0]), (2, [0.0, 1.0], [1.0])]
    table = pl.DataFrame(rows, schema=["identity", "camera_matrix", "keypoints"], orient="row")
    assert scenes_of(table).tolist() == [0, 0, 2, 3]
    assert scenes_of(table.drop("keypoints")).tolist() == [0, 1, 2, 3]


def test_a_balanced_choice_has_a_balanced_control() -> None:
    people = np.repeat(np.arange(20), 30)
    control = draw_like(people, np.arange(600), np.arange(0, 300, 3), 1)
    assert (np.unique(people[control], return_counts=True)[1] == 10).all()


def test_controls_depend_on_the_seed_alone() -> None:
    people = np.repeat(np.arange(20), 30)
    rows = [draw_like(people, np.arange(600), np.arange(100), seed) for seed in (1, 1, 2)]
    assert (rows[0] == rows[1]).all()
    assert not np.array_equal(rows[0], rows[2])


def test_every_image_can_be_drawn() -> None:
    people = np.repeat(np.arange(6), 4)
    drawn = np.unique(np.concatenate([draw_like(people, np.arange(24), np.arange(8), seed) for seed in range(60)]))
    assert len(drawn) == len(people)


def test_a_plans_controls_are_plans_themselves() -> None:
    made = Made((4, 3), 5, per_cell=12)
    table = made.gap.losses
    plan = select(made.gap)
    others = controls(made.gap, plan, seeds=2)
    assert list(others) == ["random-0", "random-1", "worst", "all"]
    chosen = plan.rows(table)
    people = table["identity"].to_numpy()
    drawn = [others[name].rows(table) for name in ("random-0", "random-1")]
    for rows in drawn:
        assert len(rows) == len(chosen)
        assert len(set(people[rows])) == len(set(people[chosen]))
    assert not np.array_equal(drawn[0], drawn[1])
    assert len(others["all"].rows(table)) == table.height
    assert len(others["worst"].rows(table)) == len(chosen)


def test_the_worst_part_of_a_mixture_is_of_the_farthest_cells() -> None:
    made = Made((4, 3), 5, per_cell=12)
    plan = select(made.gap, method="quadratic", budget=300)
    other = controls(made.gap, plan, seeds=0)["worst"]
    assert other.images == 300
    shares = {tuple(cell.levels.values()): cell.weight * 300 for cell in other.weights}
    assert max(shares.values()) <= 120  # what a cell has
    assert made.gap.score_cells(_shares(made, other))["mmd2"] > made.gap.score_cells(_shares(made, plan))["mmd2"]


def _shares(made: Made, plan: Plan) -> np.ndarray:
    wanted = {tuple(cell.levels.values()): cell.weight * plan.images for cell in plan.weights}
    levels = [tuple(f.levels[i] for f, i in zip(made.factors, cell, strict=True)) for cell in made.cells]
    return np.array([wanted.get(level, 0.0) for level in levels]) / made.gap.measurement.cell_images


def test_a_control_of_people_without_numbers_is_refused() -> None:
    plan = Plan(values={"weather": ("sunny",)}, images=1, share=0.5).random_control(0)
    table = pl.DataFrame({"weather": ["sunny", "foggy"], "identity": [1, None]})
    with pytest.raises(CloserlookError, match="no identity"):
        plan.rows(table)

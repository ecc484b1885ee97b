"""A plan is also an order to the renderer: its cells in its weights, of any number of people."""

from dataclasses import replace

import pytest

from closerlook.attributes import Design
from closerlook.selection import Plan
from closerlook.selection.plan import CellWeight
from closerlook.synthesis.generation.image_table import image_table, planned
from closerlook.synthesis.generation.settings import read_settings

WEIGHTS = {("sunny", "noon"): 0.5, ("foggy", "noon"): 0.3, ("foggy", "night"): 0.2}
PLAN = Plan(
    values={},
    images=400,
    share=0.02,
    weights=tuple(
        CellWeight(levels={"weather": weather, "illumination": hour}, weight=weight)
        for (weather, hour), weight in WEIGHTS.items()
    ),
)


@pytest.mark.parametrize("people", [10, 40])
def test_just_those_cells_with_those_weights(people: int) -> None:
    design = replace(Design.load("gpr-plus"), identities=people)
    table = planned(image_table(design, read_settings((64, 32), 0, "view", None, "clean", None), 1), PLAN)
    assert table.height == round(0.02 * len(design))
    counts = {(w, h): n for w, h, n in table.group_by("weather", "illumination").len().iter_rows()}
    assert set(counts) == set(WEIGHTS)
    for cell, weight in WEIGHTS.items():
        assert counts[cell] == pytest.approx(weight * table.height, abs=1)
    assert table["identity"].n_unique() == people


def test_too_few_people_for_a_weight_are_said(capfd: pytest.CaptureFixture[str]) -> None:
    design = replace(Design.load("gpr-plus"), identities=2)
    plan = PLAN.model_copy(update={"share": 0.1})
    table = planned(image_table(design, read_settings((64, 32), 0, "view", None, "clean", None), 1), plan)
    assert table.height == 24 + 24 + 24
    assert "46 of the 118 images" in capfd.readouterr().err


def test_a_control_can_be_rendered_as_well() -> None:
    design = replace(Design.load("gpr-plus"), identities=6)
    settings = read_settings((64, 32), 0, "view", None, "clean", None)
    chosen, control = (planned(image_table(design, settings, 1), plan) for plan in (PLAN, PLAN.random_control(3)))
    assert control.height == chosen.height
    assert control.group_by("weather", "illumination").len().height > 3

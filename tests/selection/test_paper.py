"""The paper's own choices against its Figure 3, whose bars and lines were read off the authors' poster."""

from dataclasses import replace

import numpy as np
import pytest

from closerlook.attributes import DESIGNS, Level
from closerlook.errors import CloserlookError
from closerlook.selection import select
from closerlook.selection.methods.greedy import greedy
from closerlook.selection.paper import PAPER

from .conftest import Made

READABLE = 0.025  # half of what the smallest difference between two bars is read as

# target -> attribute -> total loss of its levels in the design's order, and the line
FIGURE = {
    "market": {
        "viewpoint": ([16.75, 16.4, 16.45, 16.35, 16.4, 16.55, 16.8, 16.8, 16.65, 16.7, 16.85, 16.4], 16.6),
        "weather": ([15.7, 15.7, 16.8, 16.2, 18.6, 16.8, 16.6], 16.1),
        "illumination": ([17.6, 19.1, 15.4, 15.0, 15.1, 16.9, 16.8], 16.1),
    },
    "duke": {
        "viewpoint": ([21.65, 21.6, 21.3, 21.3, 21.25, 21.1, 21.05, 21.1, 21.4, 21.5, 21.5, 21.5], 21.35),
        "weather": ([21.0, 20.95, 21.7, 20.8, 22.1, 20.3, 21.7], 20.95),
        "illumination": ([23.0, 24.8, 20.1, 19.4, 20.6, 21.8, 20.8], 20.6),
    },
}
ON_THE_LINE = {("duke", "weather"): {"clouds"}, ("duke", "illumination"): {"afternoon"}}
CHOICES = [(target, name) for target, bars in FIGURE.items() for name in bars]


def where(target: str, name: str, below: float) -> set[Level]:
    """The levels whose bar ends below ``below``."""
    losses, _ = FIGURE[target][name]
    return {level for level, loss in zip(DESIGNS["gpr-plus"].factor(name).levels, losses, strict=True) if loss < below}


@pytest.mark.parametrize(("target", "name"), CHOICES)
def test_the_papers_levels_are_those_below_its_line(target: str, name: str) -> None:
    _, line = FIGURE[target][name]
    surely, perhaps = where(target, name, line - READABLE), where(target, name, line + READABLE)
    assert perhaps - surely == ON_THE_LINE.get((target, name), set())
    assert surely <= set(PAPER[target][name]) <= perhaps


def test_bars_on_the_line_were_taken_once_and_left_out_once() -> None:
    """So neither "below" nor "at or below" gives all six choices: each gives five."""
    assert "clouds" not in PAPER["duke"]["weather"]
    assert "afternoon" in PAPER["duke"]["illumination"]


def test_the_mean_gives_three_of_the_six() -> None:
    alike = [
        choice
        for choice in CHOICES
        if where(*choice, float(np.mean(FIGURE[choice[0]][choice[1]][0]))) == set(kept(*choice))
    ]
    assert alike == [("market", "viewpoint"), ("market", "illumination"), ("duke", "viewpoint")]


def kept(target: str, name: str) -> tuple[Level, ...]:
    return PAPER[target][name]


@pytest.mark.parametrize(("target", "images"), [("market", 28_800), ("duke", 28_800)])
def test_the_rule_is_the_papers_choice_whatever_the_gap(target: str, images: int) -> None:
    """800 people x 6 viewpoints x 2 weathers x 3 hours, the last rows of Tables 1 and 2."""
    made = Made(tuple(len(factor) for factor in DESIGNS["gpr-plus"].factors), 0, per_cell=2)
    made.factors = DESIGNS["gpr-plus"].factors
    measurement = made.remeasure()
    gap = replace(
        made.gap,
        measurement=replace(measurement, cell_images=np.full(len(measurement.cell_levels), 800)),
        settings=replace(made.gap.settings, source_images=475_104),
    )
    values = greedy(gap, rule=f"paper:{target}")
    assert values == PAPER[target]
    assert gap.count_images(values) == images
    whole = greedy(gap, rule=f"paper:{target}", all_levels=frozenset({"weather"}))
    assert whole == {**PAPER[target], "weather": DESIGNS["gpr-plus"].factor("weather").levels}


def test_attributes_and_levels_that_the_paper_has_not_got() -> None:
    made = Made((4, 3), 2)
    factors = made.factors
    assert greedy(made.gap, rule="paper:duke") == {factor.name: factor.levels for factor in factors}
    made.factors = (replace(factors[0], name="viewpoint", levels=("0", "30", "60", "90")), factors[1])
    gap = replace(made.gap, measurement=made.remeasure())
    assert select(gap, rule="paper:market").values["viewpoint"] == ("30", "60", "90")
    made.factors = (replace(factors[0], name="weather"), factors[1])
    with pytest.raises(CloserlookError, match="none of the paper's levels of weather \\(sunny, clouds\\)"):
        greedy(replace(made.gap, measurement=made.remeasure()), rule="paper:market")

"""Gains over people and runs: their interval by simulation, and the choice among measures on halves."""

import numpy as np
import pytest

from closerlook.validation.choice import choose_measure
from closerlook.validation.gains import gain


def crossed(rng: np.random.Generator, runs: int, people: np.ndarray, run: float, both: float) -> np.ndarray:
    count = len(people)
    return people + run * rng.normal(size=(runs, 1)) + both * rng.normal(size=(runs, count))


@pytest.mark.parametrize(("run", "people"), [(0.01, 0.02), (0.0, 0.08), (0.03, 0.0)])
def test_the_interval_holds_the_truth_as_often_as_it_says(run: float, people: float) -> None:
    rng, experiments, held = np.random.default_rng(0), 600, 0
    for _ in range(experiments):
        base = 0.4 + 0.2 * rng.normal(size=50)
        better = base + 0.01 + people * rng.normal(size=50)
        found = gain(crossed(rng, 5, better, run, 0.05), crossed(rng, 6, base, run, 0.05), np.full(50, 4.0))
        held += found.low <= 0.01 <= found.high
    assert held / experiments == pytest.approx(0.95, abs=0.035)


def test_people_count_by_their_queries() -> None:
    runs, others = np.array([[0.5, 0.2], [0.5, 0.2]]), np.array([[0.4, 0.4], [0.4, 0.4]])
    assert gain(runs, others, np.array([3.0, 1.0])).value == pytest.approx(0.75 * 0.1 - 0.25 * 0.2)


def test_more_people_or_runs_see_smaller_gains() -> None:
    rng = np.random.default_rng(0)

    def seen(runs: int, people: int) -> float:
        base = 0.4 + 0.2 * rng.normal(size=people)
        better = base + 0.05 * rng.normal(size=people)
        return gain(
            crossed(rng, runs, better, 0.02, 0.05), crossed(rng, runs, base, 0.02, 0.05), np.ones(people)
        ).detectable

    assert np.mean([seen(10, 200) for _ in range(20)]) < np.mean([seen(4, 200) for _ in range(20)])
    assert np.mean([seen(10, 400) for _ in range(20)]) < np.mean([seen(10, 30) for _ in range(20)])


def test_a_measure_is_chosen_on_odd_subsets_and_reported_on_even_ones() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(30, 2))
    number = np.arange(30)
    lucky = np.where(number[:, None] % 2 == 1, scores, -scores)
    measures = {"noise": rng.normal(size=(30, 2)), "lucky": lucky, "good": scores + 0.3 * rng.normal(size=(30, 2))}
    found = choose_measure(measures, scores, number)
    assert found.measure == "lucky"
    assert found.odd == pytest.approx(1)
    assert found.even.value == pytest.approx(-1)
    assert list(found.by_measure) == ["lucky", "good", "noise"]
    del measures["lucky"]
    honest = choose_measure(measures, scores, number)
    assert honest.measure == "good"
    assert honest.even.low > 0.5

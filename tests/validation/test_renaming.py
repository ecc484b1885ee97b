"""Why chance is judged by renaming: levels that matter for reasons of their own fool the bootstrap over subsets."""

import numpy as np
import pytest

from closerlook.attributes import Factor
from closerlook.validation.association import partial_correlations, slopes
from closerlook.validation.estimates import draw_subsets, estimate
from closerlook.validation.renaming import rename
from closerlook.validation.subsets import Candidates

SPACE = Candidates((Factor("weather", tuple("abcdefg")), Factor("hour", tuple("ABCDEFG"))))


def of_levels(rng: np.random.Generator) -> np.ndarray:
    """A value of every candidate that follows from its levels."""
    means = [rng.normal(size=7)[np.array(sets)].mean(axis=1) for sets in SPACE.sets]
    return np.asarray(means[0][:, None] + means[1][None])


def test_levels_with_effects_of_their_own_are_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closerlook.validation.renaming.MOST", 299)
    experiments, wrong = 150, np.zeros(2)
    for seed in range(experiments):
        rng = np.random.default_rng(seed)
        gaps, scores = of_levels(rng), of_levels(rng)
        place = SPACE.places(rng.choice(len(SPACE), 30, replace=False))
        x, y, given = gaps[tuple(place.T)], scores[tuple(place.T)] + 0.1 * rng.normal(size=30), np.zeros((30, 1))
        found = estimate(0.0, slopes(y, x, given, draw_subsets(30, seed, 300)))
        renamings = rename(place, SPACE.sets, seed)
        observed = float(partial_correlations(y, x[None], given)[0])
        p = renamings.p(observed, partial_correlations(y, gaps[renamings.places], given))
        wrong += found.low > 0 or found.high < 0, p <= 0.05
    by_drawing, by_renaming = wrong / experiments
    assert by_drawing > 0.1
    assert by_renaming < 0.1

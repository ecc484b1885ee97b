"""The interaction against its definition, every renaming by hand, and its p-values where there is nothing to find."""

import itertools

import numpy as np
import pytest

from closerlook.attributes import Factor
from closerlook.validation.interaction import double_centered, interaction
from closerlook.validation.renaming import rename
from closerlook.validation.subsets import Candidates

THREE = Candidates((Factor("weather", ("sunny", "foggy", "snow")), Factor("hour", ("noon", "dusk", "night"))))
SEVEN = Candidates((Factor("weather", tuple("abcdefg")), Factor("hour", tuple("ABCDEFG"))))


def made(space: Candidates, targets: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaps of all candidates that follow from their levels, and where 9 of them stand."""
    rng = np.random.default_rng(seed)
    effects = [rng.normal(size=(len(factor), targets)) for factor in space.factors]
    means = [
        np.array([own[list(kept)].mean(axis=0) for kept in sets]) for own, sets in zip(effects, space.sets, strict=True)
    ]
    gaps = means[0][:, None] + means[1][None]
    return gaps, space.places(rng.choice(len(space), min(len(space), 30), replace=False))


def test_double_centering() -> None:
    left = double_centered(np.random.default_rng(0).normal(2, 5, (10, 3)))
    np.testing.assert_allclose(left.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(left.mean(axis=1), 0, atol=1e-12)
    assert (double_centered(np.ones((4, 2))) == 0).all()


def test_every_renaming_by_hand() -> None:
    gaps, place = made(THREE, 3, 0)
    scores = np.random.default_rng(1).normal(size=(len(place), 3)) - gaps[tuple(place.T)]
    found = interaction(scores, gaps, place, rename(place, THREE.sets))
    assert found.exhaustive
    assert found.renamings == 36

    def correlation(weathers: tuple[int, ...], hours: tuple[int, ...]) -> float:
        rows = []
        for w, h in place:
            new = [
                tuple(sorted(names[level] for level in sets[at]))
                for names, sets, at in ((weathers, THREE.sets[0], w), (hours, THREE.sets[1], h))
            ]
            rows.append(gaps[THREE.sets[0].index(new[0]), THREE.sets[1].index(new[1])])
        a, b = double_centered(scores).ravel(), double_centered(np.array(rows)).ravel()
        return float(np.corrcoef(a, b)[0, 1])

    every = [correlation(w, h) for w in itertools.permutations(range(3)) for h in itertools.permutations(range(3))]
    assert found.correlation == pytest.approx(every[0])
    assert found.p == pytest.approx(np.mean(np.abs(every) >= abs(every[0]) - 1e-9))


def test_finds_what_serves_its_own_target_and_not_what_serves_all() -> None:
    gaps, place = made(SEVEN, 4, 0)
    noise = np.random.default_rng(1).normal(size=(len(place), 4))
    own = interaction(0.3 * noise - gaps[tuple(place.T)], gaps, place, rename(place, SEVEN.sets))
    assert own.correlation < -0.7
    assert own.p < 0.01
    assert not own.exhaustive
    for_all = -gaps[tuple(place.T)].mean(axis=1, keepdims=True) * np.array([1.0, 5.0, 2.0, 1.0])
    assert abs(interaction(for_all + 1e-9 * noise, gaps, place, rename(place, SEVEN.sets)).correlation) < 0.5


def test_p_is_small_as_seldom_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that follow from levels by effects of their own, which the gap knows nothing of."""
    monkeypatch.setattr("closerlook.validation.renaming.MOST", 199)
    small = []
    for seed in range(120):
        gaps, place = made(SEVEN, 3, seed)
        other, _ = made(SEVEN, 3, 1000 + seed)
        small.append(interaction(other[tuple(place.T)], gaps, place, rename(place, SEVEN.sets, seed)).p <= 0.1)
    assert np.mean(small) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 120))

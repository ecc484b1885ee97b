"""The mix of people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans import Population, sample_person
from closerlook.synthesis.humans.body.body import sample_shape


def test_shares_are_those_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "mix.yaml"
    path.write_text("female: 0.2\nchildren: 0.3\nafrican: 2\nasian: 1\ncaucasian: 1\nsummer: 0.1\nwinter: 0.6\n")
    mix = Population.load(path)
    shapes = [sample_shape(keyed_rng(0, "mix", k), mix) for k in range(1500)]
    seasons = [mix.season(keyed_rng(1, "season", k)) for k in range(1500)]
    assert np.mean([shape.gender == "female" for shape in shapes]) == pytest.approx(0.2, abs=0.04)
    assert np.mean([shape.age_group == "child" for shape in shapes]) == pytest.approx(0.3, abs=0.04)
    assert np.mean([shape.ancestry["african"] > 0.5 for shape in shapes]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([season == "winter" for season in seasons]) == pytest.approx(0.6, abs=0.04)
    assert np.mean([season == "between" for season in seasons]) == pytest.approx(0.3, abs=0.04)


def test_a_population_changes_who_there_is() -> None:
    women, men = Population(female=1.0), Population(female=0.0)
    assert all(sample_person(0, k, population=women).labels["gender"] == "female" for k in range(2))
    assert all(sample_person(0, k, population=men).labels["gender"] == "male" for k in range(2))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("femal: 0.4", "Did you mean 'female'"),
        ("female: 1.4", "1 at most"),
        ("female: many", "must be a share"),
        ("children: 0.7\nelderly: 0.7", "1 at most"),
        ("african: 0\nasian: 0\ncaucasian: 0", "above 0"),
        ("- female", "must hold lines"),
        ("female: [", "mix.yaml"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mix.yaml"
    path.write_text(text)
    with pytest.raises(CloserlookError, match=says):
        Population.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match=r"none\.yaml"):
        Population.load(tmp_path / "none.yaml")

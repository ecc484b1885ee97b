"""People that several tests look at."""

from __future__ import annotations

import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans import Person, sample_person
from closerlook.synthesis.humans.body.body import Body, build_body, sample_shape
from closerlook.synthesis.humans.clothing.mannequin import Mannequin, dress_form


@pytest.fixture(scope="session")
def people() -> list[Person]:
    return [sample_person(3, identity) for identity in range(24)]


@pytest.fixture(scope="session")
def body() -> Body:
    return build_body(sample_shape(keyed_rng(5, "shape")))


@pytest.fixture(scope="session")
def form(body: Body) -> Mannequin:
    return dress_form(body)

from __future__ import annotations

import pytest

from closerlook.embedding.backbones import build
from closerlook.reid import Recipe
from closerlook.reid.cost import describe, multiplications


@pytest.mark.parametrize(("name", "published"), [("resnet50", 4.09e9), ("resnet18", 1.81e9), ("lite0", 0.407e9)])
def test_multiplications_at_224_are_the_published_ones(name: str, published: float) -> None:
    assert multiplications(build(name).eval(), (224, 224)) == pytest.approx(published, rel=0.07)


def test_one_line_says_it_all() -> None:
    recipe = Recipe.resolve("cpu-quick", {"size": (64, 32), "steps": 10, "freeze": None, "freeze_bn": False})
    line = describe(build("lite0").eval(), recipe, images=320, identities=20)
    assert line.startswith("lite0 at 64 x 32: 3.4 M parameters, 0.02 G multiplications an image; 10 steps of 64")
    assert line.endswith("2.0 passes over 320 images of 20 people")
    assert "\n" not in line

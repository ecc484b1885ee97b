"""The tables of the wardrobe, and what is refused of a damaged one."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from closerlook.errors import CloserlookError
from closerlook.storage.documents import checked
from closerlook.synthesis.humans.clothing.draws import draw_any, draw_dye
from closerlook.synthesis.humans.clothing.tables import TABLES, Tables


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"outers": {**TABLES.outers, "toga": (0.1, 0.1)}}, "'toga' has no cut"),
        ({"patterns_otherwise": {"paisley": 1.0}}, "'paisley' is no pattern of cloth"),
        ({"layered": {"winter": "often"}}, "layered.winter: Input should be a valid number"),
        ({"capes": {}}, "capes"),
    ],
)
def test_a_damaged_table_is_named(change, problem):
    with pytest.raises(CloserlookError, match=rf"wardrobe\.yaml is damaged: .*{problem}"):
        checked({**asdict(TABLES), **change}, Tables, "wardrobe.yaml")


def test_shares_of_a_dye_sum_to_one():
    for dyes in (TABLES.leather, TABLES.denim, TABLES.sneaker_dyes, TABLES.shoe_dyes, TABLES.tights, TABLES.socks):
        assert sum(dye.share for dye in dyes) == pytest.approx(1)


def test_draws_follow_the_shares():
    rng = np.random.default_rng(0)
    kinds = [draw_any(rng, {"cap": 0.2, "beanie": 0.3}) for _ in range(4000)]
    assert [kinds.count(kind) / 4000 for kind in ("cap", "beanie", "")] == pytest.approx([0.2, 0.3, 0.5], abs=0.03)
    few, many = (replace(dye, share=share) for dye, share in zip(TABLES.denim, (0.1, 0.9), strict=False))
    assert np.mean([draw_dye(rng, (few, many)) == few for _ in range(4000)]) == pytest.approx(0.1, abs=0.03)

from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings, strategies as st

from closerlook.dataset import Dataset
from closerlook.selection import random_control


def dataset(identities: list[int]) -> Dataset:
    names = [f"{row}.png" for row in range(len(identities))]
    return Dataset.from_table(Path(), pl.DataFrame({"file_name": names, "identity": identities}), "made", ())


@settings(max_examples=60, deadline=None)
@given(
    identities=st.lists(st.integers(0, 8), min_size=2, max_size=60),
    share=st.floats(0.05, 1.0),
    seed=st.integers(0, 1000),
)
def test_as_many_images_of_as_many_people(identities: list[int], share: float, seed: int) -> None:
    source = dataset(identities)
    rng = np.random.default_rng(seed)
    chosen = source.take(np.sort(rng.permutation(len(source))[: max(1, int(share * len(source)))]))
    control = source.subset(random_control(source, chosen, seed=seed))
    assert len(control) == len(chosen)
    assert control.counts()["identities"] == chosen.counts()["identities"]
    assert control.table["file_name"].n_unique() == len(control)


def test_a_balanced_choice_has_a_balanced_control() -> None:
    source = dataset([person for person in range(20) for _ in range(30)])
    chosen = source.filter(pl.col("identity") < 10).take(np.arange(0, 300, 3))
    control = source.subset(random_control(source, chosen, seed=1))
    assert (control.table["identity"].value_counts()["count"] == 10).all()


def test_controls_depend_on_the_seed_alone() -> None:
    source = dataset([person for person in range(20) for _ in range(30)])
    chosen = source.take(np.arange(100))
    rows = [random_control(source, chosen, seed=seed).indices for seed in (1, 1, 2)]
    assert (rows[0] == rows[1]).all()
    assert not np.array_equal(rows[0], rows[2])


def test_every_image_can_be_drawn() -> None:
    source = dataset([person for person in range(6) for _ in range(4)])
    chosen = source.take(np.arange(8))
    drawn = np.unique(np.concatenate([random_control(source, chosen, seed=seed).indices for seed in range(60)]))
    assert len(drawn) == len(source)

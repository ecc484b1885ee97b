"""Designs that lack what statistics need: right values, nulls or one message, and never a warning of NumPy's."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from PIL import Image

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap, analyze
from closerlook.gap.statistics import importance
from closerlook.selection import select

pytestmark = pytest.mark.slow


SIZE = (8, 4)
IMAGES = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("odd")
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)).save(root / f"{number}.png")
    Image.fromarray(np.full((*SIZE, 3), 90, np.uint8)).save(root / "plain.png")
    return root


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boosting takes nearly all of the time, and is tried elsewhere."""
    monkeypatch.setattr(importance, "ROUNDS", 4)
    monkeypatch.setattr(importance, "NULLS", 2)


def by_pixel(images: torch.Tensor) -> torch.Tensor:
    return images.float().flatten(1) / 255


def constant(images: torch.Tensor) -> torch.Tensor:
    return torch.ones(len(images), 3)


def not_a_number(images: torch.Tensor) -> torch.Tensor:
    return torch.full((len(images), 3), torch.nan)


def data(folder: Path, names: list[str], columns: dict[str, list[object]], factors: tuple[Factor, ...]) -> Dataset:
    return Dataset.from_table(folder, pl.DataFrame({"file_name": names, **columns}), "odd", factors)


@st.composite
def designs(draw: st.DrawFn) -> tuple[int, list[int], list[int], list[int | None], list[int] | None, int, str]:
    images = draw(st.integers(1, IMAGES))
    column = st.lists(st.integers(0, draw(st.integers(0, 3))), min_size=images, max_size=images)
    alike: list[list[int | None]] = [[0] * images, list(range(images)), [None] * images]
    people: list[int | None] = [*draw(st.one_of(column, *map(st.just, alike)))]
    target = draw(st.integers(1, 8))
    cameras = draw(st.none() | st.lists(st.integers(0, 2), min_size=target, max_size=target))
    return images, draw(column), draw(column), people, cameras, target, draw(st.sampled_from(["images", "cameras"]))


@given(designs(), st.sampled_from(["balanced", "literal"]), st.sampled_from([by_pixel, constant]))
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_whatever_the_design(folder: Path, design: tuple, scaling: str, embedding: object) -> None:
    images, a, b, people, cameras, targets, bootstrap_unit = design
    factors = (Factor("a", (0, 1, 2, 3)), Factor("b", (0, 1, 2, 3)))
    source = data(
        folder,
        [f"{number}.png" for number in range(images)],
        {"identity": pl.Series(people, dtype=pl.Int64), "a": a, "b": b},  # type: ignore[dict-item]
        factors,
    )
    target = data(
        folder,
        [f"{number}.png" for number in range(targets)],
        {} if cameras is None else {"camera": cameras},
        (),
    )
    try:
        gap = analyze(source, target, embedding=embedding, size=SIZE, scaling=scaling, bootstrap_unit=bootstrap_unit)  # type: ignore[arg-type]
    except (CloserlookError, UsageError) as error:
        assert len(str(error)) > 20
        return
    _is_right(gap, source, target)
    try:
        select(gap)
    except (CloserlookError, UsageError) as error:
        assert len(str(error)) > 20


def _is_right(gap: Gap, source: Dataset, target: Dataset) -> None:
    for table in (found for found in gap._files().values() if found is not None):
        for column in table.select(pl.selectors.float()):
            assert column.is_nan().sum() == 0, column.name
    shares = gap.importance.select("share", "total_share")
    assert shares.select(pl.all().drop_nulls().is_between(0, 1).all()).row(0) == (True, True)
    assert gap.notes is not None
    assert gap.figures()
    if gap.settings.embedding.endswith("by_pixel") and gap.settings.scaling == "literal":
        x, y = (_pixels(side) for side in (source, target))
        for row in gap.levels.iter_rows(named=True):
            own = x[(source.table[row["factor"]].cast(pl.String) == row["level"]).to_numpy()]
            distances = ((own[:, None] - y) ** 2).sum(axis=2)
            assert row["total_loss"] == pytest.approx(distances.mean(), rel=1e-4, abs=1e-6)


def _pixels(data: Dataset) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([np.asarray(Image.open(path), float).ravel() / 255 for path in data.paths])


def test_features_that_are_no_numbers_are_named(folder: Path) -> None:
    source = data(folder, ["0.png", "1.png"], {"a": [0, 1]}, (Factor("a", (0, 1)),))
    target = data(folder, ["2.png", "3.png"], {}, ())
    with pytest.raises(CloserlookError, match=r"not finite for .*\.png"):
        analyze(source, target, embedding=not_a_number, size=SIZE)


def test_a_function_is_an_embedding_of_its_own_name(folder: Path) -> None:
    source = data(folder, [f"{number}.png" for number in range(8)], {"a": [0, 1] * 4}, (Factor("a", (0, 1)),))
    target = data(folder, [f"{number}.png" for number in range(8, 16)], {}, ())
    gap = analyze(source, target, embedding=by_pixel, size=SIZE)
    assert gap.settings.embedding == f"{__name__}:by_pixel"


def test_a_choice_is_held_out_over_cameras_too(folder: Path) -> None:
    """Halves know their cameras, so that rules that need intervals over cameras can choose on them."""
    columns = {"identity": [number // 2 for number in range(20)], "a": [0, 1] * 10}
    source = data(folder, [f"{number}.png" for number in range(20)], columns, (Factor("a", (0, 1)),))  # type: ignore[arg-type]
    names = [f"{number}.png" for number in range(24)]
    target = data(folder, names, {"camera": [0, 1, 2, 3] * 6}, ())
    found = {
        bootstrap_unit: select(
            analyze(source, target, embedding=by_pixel, size=SIZE, bootstrap_unit=bootstrap_unit), rule="not-worse"
        ).provenance.evidence
        for bootstrap_unit in ("images", "cameras")
    }
    for evidence in found.values():
        assert evidence is not None
        assert evidence["draws"] > 0
        assert evidence["held_out_gain"] is not None
    assert found["images"]["gain"] == pytest.approx(found["cameras"]["gain"])


def test_what_is_no_data_set_or_embedding_is_refused_in_one_message(folder: Path) -> None:
    source = data(folder, ["0.png", "1.png"], {"a": [0, 1]}, (Factor("a", (0, 1)),))
    with pytest.raises(UsageError, match="target is a dict"):
        analyze(source, {}, embedding=by_pixel)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not a dict"):
        analyze(source, source, embedding={})  # type: ignore[arg-type]

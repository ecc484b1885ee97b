"""The whole of analyze on real files: what it gives, what it survives, what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap, analyze
from closerlook.gap.measure.cells import choose_factors, lay_out, spread_over_groups, subsample

from .conftest import SIZE


@pytest.fixture(scope="module")
def gap(source: Dataset, target: Dataset) -> Gap:
    return analyze(source, target, size=SIZE)


def test_levels_have_their_intervals(gap: Gap) -> None:
    table = gap.levels
    assert table["level"].to_list() == ["sunny", "foggy", "night", "0", "180"]
    assert table["images"].to_list() == [12, 12, 12, 18, 18]
    assert table["identities"].to_list() == [6] * 5
    assert (table["total_loss_low"] < table["total_loss"]).all()
    assert (table["total_loss"] < table["total_loss_high"]).all()
    assert (table["mmd2_low"] < table["mmd2_high"]).all()
    assert set(table["relative_to_mean"]) <= {"below", "above", "unclear"}
    weather = table.filter(pl.col("factor") == "weather")
    assert weather.sort("mmd2")["level"][2] == "night"  # made much brighter than the target
    assert weather["selection_frequency"][2] < 0.1


def test_images_are_in_the_sources_order(gap: Gap, source: Dataset) -> None:
    assert (gap.losses["file_name"] == source.table["file_name"]).all()
    means = gap.losses.group_by("weather").agg(pl.col("loss").mean())
    for weather, loss in means.iter_rows():
        expected = gap.levels.filter(pl.col("level") == weather)["total_loss"][0]
        assert loss == pytest.approx(expected, rel=1e-9)


def test_saved_and_loaded(gap: Gap, tmp_path: Path) -> None:
    gap.save(tmp_path / "gap")
    again = Gap.load(tmp_path / "gap")
    assert again.settings == gap.settings
    assert again.levels.equals(gap.levels)
    assert again.losses.equals(gap.losses)
    assert again.importance.equals(gap.importance)
    assert pl.read_parquet(tmp_path / "gap" / "levels.parquet").equals(gap.levels)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop("cell"),
        lambda table: table.drop("weather"),
        lambda table: table.with_columns(pl.col("cell").cast(pl.String)),
        lambda table: table.with_columns(weather=pl.lit(1)),
        lambda table: table.with_columns(identity=pl.lit("zoe")),
        lambda table: table.with_columns(cell=pl.lit(99)),
        lambda table: table.with_columns(cell=pl.lit(None, pl.Int64)),
        lambda table: table.head(3),
        None,
    ],
)
def test_a_damaged_table_of_images_is_one_message(
    gap: Gap, tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame] | None
) -> None:
    gap.save(tmp_path)
    path = tmp_path / "images.parquet"
    if change is None:
        path.write_bytes(path.read_bytes()[:-5])
    else:
        change(pl.read_parquet(path)).write_parquet(path)
    with pytest.raises(CloserlookError, match=r"(?i)(images\.parquet|moments).*analyze again"):
        Gap.load(tmp_path)


def test_a_damaged_folder_is_explained(gap: Gap, tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match="holds no analysis"):
        Gap.load(tmp_path)
    (tmp_path / "file").write_text("text")
    with pytest.raises(CloserlookError, match="file holds no analysis"):
        Gap.load(tmp_path / "file")
    gap.save(tmp_path)
    (tmp_path / "moments.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CloserlookError, match="damaged"):
        Gap.load(tmp_path)
    (tmp_path / "gap.json").write_text("{")
    with pytest.raises(CloserlookError, match="damaged"):
        Gap.load(tmp_path)


def test_figures_are_charts_with_their_data(gap: Gap) -> None:
    figures = gap.figures()
    assert list(figures) == ["mmd2", "total_loss", "diversity", "mixture_weight", "importance", "interactions"]
    for name in ("mmd2", "diversity", "mixture_weight"):
        values = figures[name].to_dict()["datasets"].values()
        shown = {(row["factor"], row["level"]): row for rows in values for row in rows}
        for row in gap.levels.iter_rows(named=True):
            own = shown[row["factor"], row["level"]]
            assert [own["value"], own["low"], own["high"]] == [row[name], row[f"{name}_low"], row[f"{name}_high"]]
            if name == "mmd2":
                assert own["look"].endswith("unclear") == (row["relative_to_mean"] == "unclear")
    with pytest.raises(UsageError, match="total_loss"):
        gap.figure("loss")


def test_results_do_not_depend_on_the_order_of_the_table(source: Dataset, target: Dataset, gap: Gap) -> None:
    shuffled = analyze(source.take(np.random.default_rng(0).permutation(len(source))), target, size=SIZE)
    for name in ("total_loss", "mmd2", "diversity"):
        np.testing.assert_allclose(shuffled.levels[name], gap.levels[name], rtol=1e-4, atol=1e-6)


def test_projected_cells_agree_with_exact_ones(
    source: Dataset, target: Dataset, gap: Gap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closerlook.gap.measure.source.EXACT_BYTES", 0)
    wide = analyze(source, target, size=SIZE)
    assert not wide.measurement.exact
    np.testing.assert_allclose(wide.measurement.level_gaps, gap.measurement.level_gaps, rtol=1e-4)
    np.testing.assert_allclose(wide.levels["total_loss"], gap.levels["total_loss"], rtol=1e-6)
    np.testing.assert_allclose(wide.levels["mmd2"], gap.levels["mmd2"], atol=0.01)
    subset: dict[str, list[Any]] = {"weather": ["sunny", "foggy"], "viewpoint": [180]}
    assert wide.score(subset)["mmd2"] == pytest.approx(gap.score(subset)["mmd2"], abs=0.03)
    assert wide.projection_error < 0.1
    assert gap.projection_error < 1e-4


def test_missing_cells_and_values_are_said(source: Dataset, target: Dataset) -> None:
    table = source.table.with_columns(
        weather=pl.when((pl.col("weather") == "foggy") & (pl.col("viewpoint") == 0))
        .then(None)
        .otherwise(pl.col("weather"))
    )
    gap = analyze(replace(source, table=table), target, size=SIZE)
    notes = " ".join(gap.settings.notes)
    assert "6 images without a known weather / viewpoint were left out" in notes
    assert "1 combinations of weather x viewpoint have no image" in notes
    assert gap.levels.filter(pl.col("level") == "foggy")["images"][0] == 6
    assert gap.levels["mmd2"].is_finite().all()


def test_absent_levels_are_said(source: Dataset, target: Dataset) -> None:
    gap = analyze(source.filter(pl.col("weather") != "night"), target, size=SIZE)
    assert "No image has weather night." in gap.settings.notes
    assert [len(factor) for factor in gap.factors] == [2, 2]


def test_a_level_of_one_image_has_a_loss_but_no_mmd2(source: Dataset, target: Dataset) -> None:
    keep = (pl.col("weather") != "night") | (pl.col("file_name") == "0_night_0.png")
    gap = analyze(source.filter(keep), target, size=SIZE)
    row = gap.levels.filter(pl.col("level") == "night").row(0, named=True)
    assert row["images"] == 1
    assert row["total_loss"] > 0
    assert row["mmd2"] is None
    assert row["diversity"] is None


def test_images_without_identity_still_have_intervals(source: Dataset, target: Dataset) -> None:
    table = source.table.with_columns(identity=pl.lit(None, dtype=pl.Int64))
    gap = analyze(replace(source, table=table), target, size=SIZE)
    assert gap.levels["mmd2_low"].is_finite().all()
    assert "identity" not in gap.importance["factor"].to_list()


def test_constant_images_have_no_diversity(source: Dataset, target: Dataset) -> None:
    same = source.table.with_columns(file_name=pl.lit("0_sunny_0.png"))
    gap = analyze(replace(source, table=same), target, size=SIZE)
    np.testing.assert_allclose(gap.levels["diversity"], 0, atol=1e-4)
    assert gap.importance["share"].abs().max() < 1e-6


def test_what_cannot_be_analyzed_is_explained(source: Dataset, target: Dataset) -> None:
    with pytest.raises(CloserlookError, match="no attribute to analyze: add a column"):
        analyze(replace(source, factors=()), target, size=SIZE)
    with pytest.raises(UsageError, match="color"):
        analyze(source, target, size=SIZE, factors=["color"])
    with pytest.raises(CloserlookError, match="at least 2"):
        analyze(source, target.take([0]), size=SIZE)
    with pytest.raises(UsageError, match="per_cell"):
        analyze(source, target, size=SIZE, per_cell=-1)
    with pytest.raises(UsageError, match="too small"):
        analyze(source, target, size=(0, 4))


@pytest.mark.parametrize("name", ["loss", "row", "cell", "group", "mmd2"])
def test_an_attribute_called_as_the_analysis_calls_its_own_columns_is_refused(source: Dataset, name: str) -> None:
    renamed = replace(source.factors[0], name=name)
    table = source.table.rename({source.factors[0].name: name})
    with pytest.raises(CloserlookError, match=f"called '{name}'"):
        choose_factors(replace(source, table=table, factors=(renamed,)), None)


def test_a_value_that_is_not_finite_names_its_image(source: Dataset, target: Dataset) -> None:
    class Broken(Embedder):
        name, size, dim = "broken", SIZE, 2

        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            mean = images.float().mean((1, 2))[:, :2]
            return torch.where(images[:, 0, 0, :1] == brightest, torch.nan, mean)

    corner = [int(np.asarray(pixels)[0, 0, 0]) for pixels in _pixels(source)]
    brightest = max(corner)
    expected = {source.table["file_name"][row] for row, value in enumerate(corner) if value == brightest}
    if any(int(pixels[0, 0, 0]) == brightest for pixels in _pixels(target)):
        brightest = -1
    with pytest.raises(CloserlookError, match="not finite") as error:
        analyze(source, target, embedding=Broken())
    assert any(name in str(error.value) for name in expected)


def _pixels(data: Dataset) -> list[np.ndarray]:
    from closerlook.dataset.decoding import read_image

    return [read_image(path) for path in data.paths]


@settings(max_examples=30, deadline=None)
@given(
    cells=st.lists(st.integers(0, 4), min_size=1, max_size=60),
    per_cell=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_a_subsample_is_fair_and_nested(cells: list[int], per_cell: int, seed: int) -> None:
    names = pl.Series([f"{row}.png" for row in range(len(cells))])
    cell = np.unique(cells, return_inverse=True)[1]
    few, more = (subsample(names, cell, limit, seed) for limit in (per_cell, per_cell + 1))
    assert (np.bincount(cell[few]) == np.minimum(np.bincount(cell), per_cell)).all()
    assert set(few) <= set(more)
    order = np.random.default_rng(seed).permutation(len(cells))
    moved = subsample(names[order], cell[order], per_cell, seed)
    assert set(names[order][moved]) == set(names[few])


@settings(max_examples=30, deadline=None)
@given(people=st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=1, max_size=80))
def test_people_stay_together_in_even_groups(people: list[int | None]) -> None:
    table = pl.DataFrame({"identity": pl.Series(people, dtype=pl.Int64)})
    group = spread_over_groups(table, 0)
    known = [(person, number) for person, number in zip(people, group, strict=True) if person is not None]
    assert len(set(known)) == len({person for person, _ in known})
    different = len({person for person, _ in known}) + people.count(None)
    assert len(set(group)) == min(16, different)


def test_too_many_combinations_are_refused(source: Dataset) -> None:
    rows = 3000
    table = pl.DataFrame(
        {"file_name": [f"{row}" for row in range(rows)], "a": np.arange(rows) % 60, "b": np.arange(rows) // 60}
    )
    data = Dataset.from_table(Path(), table, "wide", (Factor("a", tuple(range(60))), Factor("b", tuple(range(60)))))
    with pytest.raises(UsageError, match="name fewer attributes"):
        lay_out(data, choose_factors(data, None), None, 0)
    assert len(lay_out(data, choose_factors(data, ["a"]), None, 0).levels) == 60

"""Folders by ImageFolder's convention, whoever wrote them: ``datasets`` and closerlook read the same of them."""

import polars as pl
import pytest

from closerlook.dataset import open_dataset
from closerlook.synthesis import generate
from dataset.drawing import write
from datasets import load_dataset

TABLES = {
    "metadata.csv": pl.DataFrame.write_csv,
    "metadata.jsonl": pl.DataFrame.write_ndjson,
    "metadata.parquet": pl.DataFrame.write_parquet,
}


def read_by_both(folder, tmp_path, splits=("train",)):
    """Labels by both, and which images there are."""
    ours = open_dataset(folder)
    theirs = load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(tmp_path / "hf"))
    assert set(theirs) == set(splits)
    rows = [row for split in theirs.values() for row in split]
    labels = sorted((row["identity"], row["camera"]) for row in rows)
    assert labels == sorted(zip(ours.identities, ours.cameras, strict=True))
    assert {row["image"].size for row in rows} == {(8, 16)}
    return ours


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("folder", ["", "b c/", "ü/"])
def test_one_table_in_the_root(tmp_path, table, folder):
    names = [f"{folder}{name}" for name in ("a.png", "b b.jpg", "ü.png")]
    for number, name in enumerate(names):
        write(tmp_path / "data" / name, seed=number)
    rows = pl.DataFrame({"file_name": names, "identity": [3, 3, 4], "camera": [1, 2, 1]})
    TABLES[table](rows, tmp_path / "data" / table)
    data = read_by_both(tmp_path / "data", tmp_path)
    assert data.table["file_name"].to_list() == names


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("home", ["", "data/"])
def test_one_table_a_split(tmp_path, table, home):
    for number, split in enumerate(("train", "validation", "test")):
        part = tmp_path / "data" / home / split
        write(part / "images" / "a.png", seed=number)
        TABLES[table](pl.DataFrame({"file_name": ["images/a.png"], "identity": [number], "camera": [2]}), part / table)
    data = read_by_both(tmp_path / "data", tmp_path, ("train", "validation", "test"))
    assert sorted(data.table.select("identity", "split").rows()) == [(0, "train"), (1, "train"), (2, "gallery")]


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["files", "shards"])
def test_what_is_rendered_is_read_whole(tmp_path, storage):
    (tmp_path / "design.yaml").write_text("identities: 2\nfactors: {weather: [sunny], viewpoint: [0, 90]}\n")
    made = generate(tmp_path / "design.yaml", out=tmp_path / "data", size=(32, 16), workers=1, storage=storage)
    kind = ["imagefolder"] if storage == "files" else []
    where = {"data_dir": str(made.root)} if kind else {}
    loaded = load_dataset(*(kind or [str(made.root)]), **where, cache_dir=str(tmp_path / "hf"))["train"]
    key = ("identity", "camera", "viewpoint", "split")
    assert sorted(tuple(row[name] for name in key) for row in loaded) == sorted(made.table.select(key).rows())
    assert {row["image"].size for row in loaded} == {(16, 32)}

import re

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

import datasets
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.dataset import DISTRACTOR, JUNK
from closerlook.dataset.formats.market1501 import NAMES
from closerlook.errors import CloserlookError

from .drawing import write

NAME = re.compile(NAMES["market1501"][1])
TRAIN = ["0002_c1s1_000451_03.jpg", "0002_c2s3_064542_01.jpg.jpg", "0007_c6s1_000001_00.jpg"]
TEST = ["-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg", "0001_c2s1_001976_04.jpg"]
QUERY = ["0001_c1s1_001051_00.jpg"]


@pytest.fixture
def market(tmp_path):
    root = tmp_path / "data" / "Market"
    for folder, names in (("bounding_box_train", TRAIN), ("bounding_box_test", TEST), ("query", QUERY)):
        for name in names:
            write(root / folder / name)
        (root / folder / "Thumbs.db").write_bytes(b"not an image")
    return root


def test_market1501_labels(market):
    data = open_dataset(f"market1501:{market}")
    assert data.name == "market1501"
    assert data.factors == ()
    assert data.table["identity"].to_list() == [2, 2, 7, 1, JUNK, DISTRACTOR, 1]
    assert data.table["camera"].to_list() == [1, 2, 6, 1, 1, 1, 2]
    assert data.table["split"].to_list() == ["train"] * 3 + ["query"] + ["gallery"] * 3
    assert data.table["sequence"].to_list() == [1, 3, 1, 1, 1, 1, 1]
    assert data.table["frame"][:2].to_list() == [451, 64542]
    assert data.table["box"][:2].to_list() == [3, 1]
    assert all(path.is_file() for path in data.paths)


def test_identity_0_is_a_distractor_in_market1501s_layout_alone(tmp_path):
    for layout, name in (("dukemtmc", "0000_c2_f0046985.jpg"), ("personx", "0000_c1s1_33.jpg")):
        for folder in ("bounding_box_train", "query", "bounding_box_test"):
            write(tmp_path / layout / folder / name)
        assert open_dataset(f"{layout}:{tmp_path / layout}").table["identity"].to_list() == [0, 0, 0]
    table = pl.DataFrame({"file_name": ["dukemtmc/query/0000_c2_f0046985.jpg"], "identity": [0]})
    table.write_csv(tmp_path / "people.csv")
    data = open_dataset(f"manifest:{tmp_path / 'people.csv'}")
    assert data.people.table["identity"].to_list() == [0]
    assert data.counts()["identities"] == 1


def test_what_is_no_person_is_told_from_people(market):
    data = open_dataset(f"market1501:{market}")
    assert data.people.table["identity"].to_list() == [2, 2, 7, 1, 1]
    assert data.counts()["identities"] == 3
    assert data.train.people.table.equals(data.train.table)
    with pytest.raises(CloserlookError, match="all 2 images are junk or distractors"):
        data.filter(pl.col("identity") < 0).people  # noqa: B018


def test_other_negative_identities_are_refused(market):
    table = open_dataset(f"market1501:{market}").table.with_columns(pl.col("identity") - 1)
    with pytest.raises(CloserlookError, match="identity -3 is no person's"):
        Dataset.from_table(market, table, "lowered")


def test_market1501_is_found_inside_its_parent_folder(market):
    assert open_dataset(f"market1501:{market.parent}").root == market


def test_two_market_folders_in_a_parent_are_ambiguous(market):
    market.with_name("Other").mkdir()
    for folder in ("bounding_box_train", "bounding_box_test", "query"):
        (market.with_name("Other") / folder).mkdir()
    with pytest.raises(CloserlookError, match="Market, Other"):
        open_dataset(f"market1501:{market.parent}")


def test_a_missing_market_folder_is_named(market):
    (market / "query").rename(market / "probe")
    with pytest.raises(CloserlookError, match="lacks query"):
        open_dataset(f"market1501:{market}")
    with pytest.raises(CloserlookError, match="lacks query"):
        open_dataset(f"market1501:{market.parent}")


def test_a_name_of_another_form_is_named(market):
    write(market / "query" / "holiday.jpg")
    with pytest.raises(CloserlookError, match=r"query/holiday\.jpg"):
        open_dataset(f"market1501:{market}")


def test_empty_market_folders(tmp_path):
    for folder in ("bounding_box_train", "bounding_box_test", "query"):
        (tmp_path / folder).mkdir()
    with pytest.raises(CloserlookError, match="hold no images"):
        open_dataset(f"market1501:{tmp_path}")


@given(st.integers(0, 99999), st.integers(0, 99), st.integers(0, 99), st.integers(0, 10**7), st.integers(0, 99))
def test_market_names_round_trip(identity, camera, sequence, frame, box):
    match = NAME.fullmatch(f"{identity:04d}_c{camera}s{sequence}_{frame:06d}_{box:02d}.jpg")
    assert match is not None
    assert [int(value) for value in match.groupdict().values()] == [identity, camera, sequence, frame, box]


@given(st.text(max_size=30))
def test_names_never_parse_by_accident(text):
    match = NAME.fullmatch(text)
    assert match is None or text.lower().endswith((".jpg", ".jpeg"))


def manifest(folder, text, files=("a.png", "b.png")):
    for name in files:
        write(folder / name)
    path = folder / "people.csv"
    path.write_text(text)
    return path


def test_a_manifest_in_csv_and_parquet(tmp_path):
    path = manifest(
        tmp_path, "file_name,identity,camera,split,weather\na.png,3,1,query,foggy\nb.png,4,2,gallery,sunny\n"
    )
    pl.read_csv(path).write_parquet(tmp_path / "people.parquet")
    for source in (f"manifest:{path}", str(path), str(tmp_path / "people.parquet")):
        data = open_dataset(source)
        assert data.root == tmp_path
        assert data.identities.tolist() == [3, 4]
        assert data.cameras.tolist() == [1, 2]
        assert data.query.table["file_name"].to_list() == ["a.png"]
        assert data.factor("weather").levels == ("foggy", "sunny")


def test_a_manifest_of_names_alone_is_an_unlabeled_training_set(tmp_path):
    data = open_dataset(manifest(tmp_path, "file_name\na.png\nb.png\n"))
    assert data.cameras.tolist() == [-1, -1]
    assert data.table["identity"].null_count() == 2
    assert len(data.train) == 2
    with pytest.raises(CloserlookError, match="no identity"):
        _ = data.identities


def test_text_identities_are_numbered_from_one(tmp_path):
    data = open_dataset(manifest(tmp_path, "file_name,identity,camera\na.png,zoe,gate\nb.png,adam,7\n"))
    assert data.identities.tolist() == [2, 1]
    assert data.table["identity_label"].to_list() == ["zoe", "adam"]
    assert data.cameras.tolist() == [2, 1]
    assert data.factors == ()


def test_missing_numbers_written_by_pandas_are_null(tmp_path):
    path = manifest(tmp_path, "file_name,identity\na.png,3.0\nb.png,NaN\n")
    assert open_dataset(path).table["identity"].to_list() == [3, None]


def test_identities_written_with_leading_zeros_stay_numbers(tmp_path):
    path = manifest(tmp_path, "file_name,identity\na.png,0003\nb.png,0010\n")
    assert open_dataset(path).identities.tolist() == [3, 10]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,identity\na.png,1\n", "no column 'file_name'; it has name, identity"),
        ("file_name\na.png\nc.png\nd.png\n", "2 of 3 files do not exist .*c.png, d.png"),
        ("file_name\na.png\na.png\n", "1 files are named twice: a.png"),
        ("file_name,split\na.png,holdout\n", "'holdout' is no split"),
        ("file_name,identity\na.png,1.5\n", "must hold whole numbers"),
        ("file_name,identity\n,1\nb.png,2\n", "1 of 2 rows have no file_name"),
        ("", "cannot be read as a table"),
        ("file_name\n", "there are no images"),
    ],
)
def test_bad_manifests_are_explained(tmp_path, text, message):
    with pytest.raises(CloserlookError, match=message):
        open_dataset(manifest(tmp_path, text))


@given(st.binary(max_size=80), st.sampled_from([".csv", ".parquet"]))
@settings(max_examples=150, deadline=None)
def test_no_manifest_ends_in_anything_but_our_error(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("fuzz") / f"m{suffix}"
    path.write_bytes(b"file_name" * (len(content) % 2) + content)
    with pytest.raises(CloserlookError):
        open_dataset(path)


def test_a_parquet_file_that_is_none(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR?")
    with pytest.raises(CloserlookError, match=r"a\.parquet cannot be read"):
        open_dataset(tmp_path / "a.parquet")


def test_a_design_with_a_factor_that_the_table_lacks(people):
    people.table.drop("weather").write_parquet(people.root / "metadata.parquet")
    with pytest.raises(CloserlookError, match="'weather'"):
        open_dataset(people.root)


def test_a_market_folder_opened_as_plain_images_is_pointed_out(market):
    with pytest.raises(CloserlookError, match="open it as market1501:"):
        open_dataset(f"folder:{market}")
    assert open_dataset(market).name == "market1501"


def test_the_table_loads_with_hugging_face_as_it_is(people, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(people.root), cache_dir=str(tmp_path / "hf"))
    rows = loaded["train"]
    assert len(rows) == len(people)
    assert sorted(rows["identity"]) == sorted(people.identities.tolist())
    assert {"image", "camera", "split", "weather"} <= set(rows.column_names)
    assert rows[0]["image"].size == (8, 16)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (pl.lit(3).alias("file_name"), "must hold a path"),
        (pl.concat_list("file_name").alias("file_name"), "must hold a path"),
        (pl.lit(None, pl.String).alias("file_name"), "must hold a path"),
        (pl.col("file_name").first().alias("file_name"), "named twice"),
        (pl.lit("holdout").alias("split"), "'holdout' is no split"),
        (pl.lit(None, pl.String).alias("split"), r"metadata\.parquet: '' is no split"),
        (pl.lit(1.5).alias("camera"), "whole numbers"),
        (pl.lit(float("inf")).alias("identity"), "whole numbers"),
        (pl.concat_list("identity").alias("identity"), "whole numbers"),
    ],
)
def test_a_table_with_a_wrong_column_is_explained(people, change, says):
    people.table.with_columns(change).write_parquet(people.root / "metadata.parquet")
    with pytest.raises(CloserlookError, match=says):
        open_dataset(people.root)


def test_people_who_are_text_in_a_folders_own_table_are_numbered(people):
    people.table.with_columns(pl.format("p{}", "identity").alias("identity")).write_parquet(
        people.root / "metadata.parquet"
    )
    (people.root / "design.yaml").unlink()
    again = open_dataset(people.root)
    assert again.identities.tolist() == people.identities.tolist()
    assert again.table["identity_label"][0] == "p1"
    assert [factor.name for factor in again.factors] == ["weather"]

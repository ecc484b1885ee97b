import shutil

import polars as pl

from closerlook.dataset import Dataset
from closerlook.dataset.audit import audit


def test_a_sound_data_set_has_no_problems(people):
    found = audit(people)
    assert found.problems == []
    assert found.splits.rows() == [("train", 4, 2, 2), ("query", 4, 2, 2), ("gallery", 4, 2, 2)]
    assert found.images_per_identity == (2, 3.0, 4)
    assert found.sizes == {(16, 8): 12}
    assert found.cells == (2, 0)
    assert found.one_camera == 0
    assert "no problems" in str(found)


def test_bad_files_are_listed_and_the_rest_is_counted(people):
    people.paths[0].write_bytes(b"")
    people.paths[1].unlink()
    found = audit(people)
    assert len(found.unreadable) == 2
    assert people.paths[0].name in found.unreadable[0]
    assert sum(found.sizes.values()) == 10
    assert "2 images cannot be read" in str(found)


def test_equal_files_are_grouped_and_leaks_pointed_out(people):
    shutil.copyfile(people.paths[0], people.paths[1])  # the same person and split
    assert audit(people).duplicates_across == 0
    shutil.copyfile(people.paths[0], people.paths[11])
    found = audit(people)
    names = people.table["file_name"]
    assert found.duplicates == ((names[0], names[1], names[11]),)
    assert found.duplicates_across == 1


def test_shared_identities_one_camera_and_unlabeled(people):
    identity = pl.when(pl.col("identity") == 4).then(1).otherwise("identity").alias("identity")
    table = people.table.with_columns(identity).with_columns(
        pl.when(pl.col("identity") == 2).then(1).otherwise("camera").alias("camera"),
        pl.when(pl.col("identity") == 3).then(None).otherwise("identity").alias("identity"),
    )
    found = audit(Dataset(people.root, table, "people", people.factors))
    assert found.shared_identities == 1
    assert found.one_camera == 1
    assert found.unlabeled == 4


def test_missing_cells_and_unbalanced_levels(people):
    sunny_once = people.filter((pl.col("weather") == "foggy") | (pl.col("identity") == 1))
    assert audit(sunny_once).unbalanced == {"weather": (1, 6)}
    found = audit(people.filter(pl.col("weather") == "foggy"))
    assert found.cells == (2, 1)
    assert "1 of 2 combinations" in str(found)

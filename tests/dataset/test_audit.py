import io
import json
import shutil

import numpy as np
import polars as pl
import pytest
from PIL import Image
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.dataset import Dataset
from closerlook.dataset.audit import audit
from closerlook.dataset.auditing import near_duplicates as near
from closerlook.dataset.auditing.kept import AUDIT_FILE, kept_findings
from closerlook.errors import CloserlookError

from .drawing import noise


def test_a_sound_data_set_has_no_problems(people):
    found = audit(people)
    assert found.findings == ()
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
    (finding,) = found.problems
    assert (finding.check, finding.count) == ("unreadable", 2)
    assert people.paths[0].name in finding.files[0]
    assert sum(found.sizes.values()) == 10
    assert "2 images cannot be read" in str(found)


def test_equal_files_are_grouped_and_leaks_pointed_out(people):
    shutil.copyfile(people.paths[0], people.paths[1])  # the same person and split
    assert audit(people).problems == ()
    shutil.copyfile(people.paths[0], people.paths[11])
    found = audit(people)
    names = people.table["file_name"]
    assert found.found("equal files") == found.found("equal files across") == 1
    assert found.problems[0].files == (names[0], names[1], names[11])


def blocks(seed, height=128, width=64):
    """A picture with large parts and some texture, as a photograph has."""
    large = Image.fromarray(noise(seed, 8, 4)).resize((width, height), Image.Resampling.BICUBIC)
    return Image.fromarray((np.asarray(large) * 0.8 + noise(seed, height, width) * 0.1).astype(np.uint8))


COPIES = {
    "encoded again": lambda image: Image.open(_jpeg(image, 60)),
    "half as large": lambda image: image.resize((32, 64), Image.Resampling.BILINEAR),
    "brighter": lambda image: image.point(lambda value: min(255, value + 12)),
    "cut by a pixel": lambda image: image.crop((1, 1, 64, 128)),
}


def _jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file


@pytest.mark.parametrize("copy", COPIES)
def test_pictures_that_are_copies_are_found_across_splits_and_people(people, copy):
    for number, path in enumerate(people.paths):
        blocks(number).save(path)
    assert not {"near duplicates", "leak between splits"} & {finding.check for finding in audit(people).findings}
    changed = {
        1: ("near duplicates", "note"),
        3: ("one picture, two people", "problem"),
        7: ("leak between splits", "problem"),
    }
    for row, (check, severity) in changed.items():
        COPIES[copy](blocks(0)).save(people.paths[row])
        (finding,) = audit(people).findings
        assert finding.check == check
        assert finding.severity == severity
        assert finding.files == (f"{people.table['file_name'][0]} = {people.table['file_name'][row]}",)
        blocks(row).save(people.paths[row])


def test_of_very_many_images_some_are_compared(people, monkeypatch):
    looks = [_looked(path) for path in people.paths for _ in range(2)]
    assert len(near.near_duplicates(looks)) == 12
    assert np.array_equal(near.near_duplicates(looks), np.arange(24).reshape(12, 2))
    assert len(near.near_duplicates(looks, most=12)) < 12
    assert near.near_duplicates(looks[:1]).shape == (0, 2)


def _looked(path):
    from closerlook.dataset.auditing.looks import _look
    from closerlook.dataset.decoding import read_image

    return _look(path.read_bytes(), read_image(path))


@pytest.mark.parametrize(
    ("picture", "check"),
    [
        (np.full((32, 16, 3), 9, np.uint8), "dark"),
        (np.full((32, 16, 3), 90, np.uint8), "blurred"),
        (noise(0, 15, 8), "too small"),
        (noise(0, 16, 24), "lying"),
    ],
)
def test_pictures_that_show_nothing(people, picture, check):
    Image.fromarray(picture).save(people.paths[2])
    (finding,) = audit(people).findings
    assert (finding.check, finding.count, finding.files) == (check, 1, (people.table["file_name"][2],))
    assert finding.severity == ("note" if check == "lying" else "problem")


def test_boxes_lie_in_their_images(people):
    edges = {"box_left": 0.0, "box_top": 0.0, "box_right": 8.0, "box_bottom": 16.0}
    table = people.table.with_columns(pl.lit(value).alias(name) for name, value in edges.items())
    assert audit(Dataset(people.root, table, "boxes", people.factors)).findings == ()
    right = pl.when(pl.int_range(12) == 3).then(8.5).otherwise("box_right").alias("box_right")
    assert audit(Dataset(people.root, table.with_columns(right), "boxes", people.factors)).found("box outside") == 1


def recording(tmp_path, lag, count=14, length=9, distinct=60.0):
    """People one after the other before one camera, lights changing; labels change ``lag`` images late."""
    rng = np.random.default_rng(0)
    rows = []
    for person in range(count):
        color = rng.uniform(-distinct, distinct, (16, 8, 3))
        for number in range(length):
            light = rng.uniform(-30, 30) + rng.normal(0, 12, (16, 8, 3))
            name = f"{person:02d}_{number}.png"
            Image.fromarray(np.clip(128 + color + light, 0, 255).astype(np.uint8)).save(tmp_path / name)
            rows.append(name)
    people = np.arange(count * length) // length
    labels = people[np.clip(np.arange(len(people)) - lag, 0, len(people) - 1)]
    table = pl.DataFrame({"file_name": rows, "identity": labels, "camera": 1})
    return Dataset.from_table(tmp_path, table, "recording", ())


@pytest.mark.parametrize("lag", [-2, -1, 0, 1, 2])
def test_labels_that_lag_are_found_with_by_how_much(tmp_path, lag):
    found = audit(recording(tmp_path, lag))
    said = [finding.message for finding in found.findings if finding.check == "label lag"]
    assert len(said) == (lag != 0)
    assert all(f"{abs(lag)} image(s) too {'late' if lag > 0 else 'early'}" in message for message in said)


def test_people_who_look_alike_are_no_lag(tmp_path):
    assert audit(recording(tmp_path, 0, distinct=2.0)).found("label lag") == 0


def test_shared_identities_one_camera_and_unlabeled(people):
    identity = pl.when(pl.col("identity") == 4).then(1).otherwise("identity").alias("identity")
    table = people.table.with_columns(identity).with_columns(
        pl.when(pl.col("identity") == 2).then(1).otherwise("camera").alias("camera"),
        pl.when(pl.col("identity") == 3).then(None).otherwise("identity").alias("identity"),
    )
    found = audit(Dataset(people.root, table, "people", people.factors))
    assert found.found("shared identities") == 1
    assert found.one_camera == 1
    assert found.unlabeled == 4


def test_missing_cells_and_unbalanced_levels(people):
    sunny_once = people.filter((pl.col("weather") == "foggy") | (pl.col("identity") == 1))
    assert audit(sunny_once).unbalanced == {"weather": (1, 6)}
    found = audit(people.filter(pl.col("weather") == "foggy"))
    assert found.cells == (2, 1)
    assert "1 of 2 combinations" in str(found)


def test_json_and_exit_codes(people):
    done = CliRunner().invoke(app, ["dataset", "audit", str(people.root), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["findings"] == []
    people.paths[0].write_bytes(b"")
    done = CliRunner().invoke(app, ["dataset", "audit", str(people.root), "--json"], catch_exceptions=False)
    assert done.exit_code == 3
    said = json.loads(done.stdout)
    assert said["splits"][0] == {"split": "train", "images": 4, "identities": 2, "cameras": 2}
    assert [finding["check"] for finding in said["findings"]] == ["unreadable"]
    done = CliRunner().invoke(app, ["dataset", "audit", str(people.root)], catch_exceptions=False)
    assert (done.exit_code, "PROBLEM: 1 images cannot be read" in done.stdout) == (3, True)


def test_findings_are_a_table(people):
    assert audit(people).table.shape == (0, 5)
    people.paths[0].write_bytes(b"")
    table = audit(people).table
    assert table.select("check", "severity", "count").rows() == [("unreadable", "problem", 1)]
    assert people.paths[0].name in table["files"][0][0]


def test_what_an_audit_found_is_kept_for_reports(people):
    people.paths[0].write_bytes(b"")
    assert kept_findings(people) is None
    kept = people.root / AUDIT_FILE
    result = CliRunner().invoke(app, ["dataset", "audit", str(people.root), "--out", str(kept)])
    assert result.exit_code == 3 and "cannot be read" in result.output
    assert kept_findings(people) == audit(people).findings != ()
    assert kept_findings(people.filter(pl.col("identity") == 1)) is None  # other images than were audited
    kept.write_text(kept.read_text().replace('"problem"', '"trouble"'))
    with pytest.raises(CloserlookError, match=r"audit\.json.*Audit again"):
        kept_findings(people)

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as rle
from pycocotools.coco import COCO

from closerlook.dataset import Dataset
from closerlook.dataset.export import export
from closerlook.dataset.exports.coco import COCO_KEYPOINTS, run_lengths
from closerlook.errors import CloserlookError

KNOWN = ("train", "query", "gallery")


def load(folder, split):
    return COCO(str(folder / "annotations" / f"person_keypoints_{split}.json"))


def test_pycocotools_reads_boxes_points_and_masks(rendered, tmp_path):
    export(rendered, tmp_path / "out", layout="coco")
    shown = 0
    for split in KNOWN:
        coco, table = load(tmp_path / "out", split), rendered.split(split).table
        assert len(coco.imgs) == 2
        for number, annotation in coco.anns.items():
            row = rendered.table.row(number - 1, named=True)
            image = coco.imgs[annotation["image_id"]]
            assert (image["height"], image["width"]) == (16, 8)
            assert (tmp_path / "out/images" / image["file_name"]).read_bytes() == (
                rendered.root / row["file_name"]
            ).read_bytes()
            assert annotation["bbox"] == [2, 3, 4, 9]
            assert (annotation["identity"], annotation["camera"]) == (row["identity"], row["camera"])
            assert image["attributes"]["weather"] == row["weather"]
            mask = np.zeros((16, 8), np.uint8)
            mask[3:12, 2:6] = 1
            mask[3, 2] = 0
            assert np.array_equal(coco.annToMask(annotation), mask)
            assert annotation["area"] == rle.area(coco.annToRLE(annotation)) == 35
            points = np.array(annotation["keypoints"]).reshape(17, 3)
            given_points = np.array(row["keypoints"]).reshape(17, 3)
            visible = given_points[:, 2] > 0
            np.testing.assert_allclose(points[visible], given_points[visible], atol=0.006)
            assert not points[~visible].any()
            assert annotation["num_keypoints"] == visible.sum()
            shown += 1
        assert set(table["identity"]) >= {annotation["identity"] for annotation in coco.anns.values()}
    assert shown == 5  # one image shows nothing of its person
    assert load(tmp_path / "out", "query").loadCats([1])[0]["name"] == "person"


def test_a_crop_without_a_box_is_its_own(people, tmp_path):
    export(people, tmp_path / "out", layout="coco")
    coco = load(tmp_path / "out", "train")
    assert [annotation["bbox"] for annotation in coco.anns.values()] == [[0, 0, 8, 16]] * 4
    assert not any("segmentation" in annotation or "keypoints" in annotation for annotation in coco.anns.values())


def test_values_that_json_has_not(rendered, tmp_path):
    data = Dataset(rendered.root, rendered.table.with_columns(noise=pl.lit(float("inf")), day=pl.date(2020, 1, 2)), "r")
    export(data, tmp_path / "out", layout="coco")
    text = (tmp_path / "out/annotations/person_keypoints_train.json").read_text()
    attributes = json.loads(text)["images"][0]["attributes"]
    assert (attributes["noise"], attributes["day"]) == (None, "2020-01-02")


def test_what_is_no_image_is_one_message(rendered, tmp_path):
    rendered.paths[3].write_bytes(b"not an image")
    with pytest.raises(CloserlookError, match="cannot be decoded"):
        export(rendered, tmp_path / "out", layout="coco")
    assert not (tmp_path / "out").exists()


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_run_lengths_are_cocos(mask):
    packed = rle.frPyObjects({"size": list(mask.shape), "counts": run_lengths(mask)}, *mask.shape)
    assert np.array_equal(rle.decode(packed), mask)


def test_the_points_are_those_that_closerlook_renders():
    from closerlook.synthesis.generation.annotations import KEYPOINTS

    assert COCO_KEYPOINTS == KEYPOINTS

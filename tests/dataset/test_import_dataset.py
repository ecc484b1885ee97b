"""Frames with boxes become crops, and tables of images that stay where they are."""

import json
import os

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings, strategies as st
from PIL import Image

from closerlook.dataset import import_dataset, open_dataset
from closerlook.dataset.crops.boxes import COVERED, EMPTY, NO_NUMBERS, OUTSIDE, SMALL, Cutting, choose
from closerlook.dataset.crops.coco import read_coco
from closerlook.dataset.crops.mot import read_mot
from closerlook.dataset.decoding import read_image
from closerlook.errors import CloserlookError, UsageError

from .drawing import noise, write

HEIGHT, WIDTH = 60, 80
ANY = Cutting(smallest=(1, 1))


@given(
    st.lists(st.lists(st.floats(-1e3, 1e3) | st.floats(), min_size=4, max_size=4), max_size=8),
    st.floats(0, 1),
    st.floats(0, 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
@example([[np.nan, 0, 5, 5], [0, 0, -5, 5], [1e308, 1e308, 1e308, 1e308]], 1.0, 0.0, (1, 1))
@settings(max_examples=200, deadline=None)
def test_every_crop_lies_in_its_frame_and_holds_its_box(boxes, margin, overlap, smallest):
    with np.errstate(all="ignore"):
        why, crops, inside = choose(np.array(boxes), (HEIGHT, WIDTH), Cutting(margin, smallest, overlap))
    assert len(why) == len(crops) == len(inside) == len(boxes)
    for reason, (left, top, right, bottom), box in zip(why, crops, inside, strict=True):
        if reason:
            assert not crops[why > 0].any()
            continue
        assert 0 <= left < right <= WIDTH and 0 <= top < bottom <= HEIGHT
        assert 0 <= box[0] < box[2] <= right - left and 0 <= box[1] < box[3] <= bottom - top
        assert box[3] - box[1] >= smallest[0] and box[2] - box[0] >= smallest[1]


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([10, 10, 20, 30], 0),
        ([-10, -10, 30, 45], 0),
        ([np.nan, 0, 5, 5], NO_NUMBERS),
        ([0, 0, np.inf, 5], NO_NUMBERS),
        ([10, 10, 0, 30], EMPTY),
        ([10, 10, 20, -30], EMPTY),
        ([80, 0, 20, 40], OUTSIDE),
        ([-30, 0, 30, 40], OUTSIDE),
        ([10, 10, 20, 31.9], SMALL),
        ([70, 10, 40, 40], SMALL),
    ],
)
def test_why_a_box_is_left_out(box, reason):
    smallest = (30, 16) if reason == 0 else (32, 16)
    assert choose(np.array([box], float), (HEIGHT, WIDTH), Cutting(smallest=smallest))[0].tolist() == [reason]


def test_a_box_that_one_in_front_covers_is_left_out():
    boxes = np.array([[0, 0, 20, 30], [0, 15, 20, 40], [40, 0, 20, 30]], float)
    assert choose(boxes, (HEIGHT, WIDTH), Cutting(overlap=0.4, smallest=(1, 1)))[0].tolist() == [COVERED, 0, 0]
    assert choose(boxes, (HEIGHT, WIDTH), Cutting(overlap=0.5, smallest=(1, 1)))[0].tolist() == [0, 0, 0]


def test_a_margin_is_a_share_of_the_box_and_ends_at_the_frame():
    _, crops, inside = choose(np.array([[10.0, 10, 20, 40]]), (HEIGHT, WIDTH), Cutting(margin=0.25))
    assert crops.tolist() == [[5, 0, 35, 60]]
    assert inside.tolist() == [[5, 10, 25, 50]]


@pytest.mark.parametrize(
    "options",
    [{"margin": -0.1}, {"margin": float("nan")}, {"overlap": 2}, {"smallest": (0, 5)}, {"score": float("nan")}],
)
def test_values_out_of_range_are_refused(options):
    with pytest.raises(UsageError, match=f"--{next(iter(options))}"):
        Cutting(**options)


def frames(root, *names):
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(number, HEIGHT, WIDTH)).save(root / name)
    return root


def coco(path, images=None, annotations=None, **more):
    images = [{"id": 1, "file_name": "gate/a.png"}, {"id": 2, "file_name": "hall/a.png"}] if images is None else images
    if annotations is None:
        annotations = [
            {"image_id": 1, "bbox": [10, 10, 20, 40], "track_id": 7, "category_id": 1},
            {"image_id": 2, "bbox": [0, 0, 30, 60], "attributes": {"track_id": 9}, "category_id": 1, "score": 0.3},
            {"image_id": 2, "bbox": [0, 0, 4, 4], "category_id": 1},
            {"image_id": 2, "bbox": [0, 0, 40, 40], "category_id": 2},
            {"image_id": 2, "bbox": [0, 0, 40, 40], "category_id": 1, "iscrowd": 1},
        ]
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "car"}]
    document = {"images": images, "annotations": annotations, "categories": categories, **more}
    path.write_text(json.dumps(document))
    return path


def test_coco_boxes_become_an_unlabeled_target(tmp_path):
    frames(tmp_path / "frames", "gate/a.png", "hall/a.png")
    done = import_dataset(f"coco:{coco(tmp_path / 'a.json')}", out=tmp_path / "crops", frames=tmp_path / "frames")
    assert done.note == "2 crops; left out: 1 crowds, 1 too small"
    data = open_dataset(tmp_path / "crops")
    assert data.table["identity"].null_count() == 2
    assert data.table.select("file_name", "camera", "camera_label", "frame", "score").rows() == [
        ("images/gate/a_00.jpg", 1, "gate", "gate/a.png", None),
        ("images/hall/a_00.jpg", 2, "hall", "hall/a.png", 0.3),
    ]
    assert read_image(data.paths[0]).shape == (40, 20, 3)
    difference = read_image(data.paths[0]).astype(int) - noise(0, HEIGHT, WIDTH)[10:50, 10:30]
    assert np.abs(difference).mean() < 12  # JPEG of noise


def test_tracks_become_people_where_they_are_wanted(tmp_path):
    frames(tmp_path, "gate/a.png", "hall/a.png")
    annotations = [
        {"image_id": 1, "bbox": [10, 10, 20, 40], "track_id": 7},
        {"image_id": 2, "bbox": [10, 10, 20, 40], "track_id": 7},
        {"image_id": 2, "bbox": [40, 10, 20, 40], "track_id": 9},
        {"image_id": 2, "bbox": [60, 10, 20, 40]},
    ]
    path = coco(tmp_path / "a.json", annotations=annotations, categories=[])
    done = import_dataset(f"coco:{path}", out=tmp_path / "crops", cutting=Cutting(tracks=True))
    assert done.data.identities.tolist() == [7, 7, 9]
    assert "1 without a track" in done.note
    videos = [{"id": 1, "file_name": "gate/a.png", "video_id": 1}, {"id": 2, "file_name": "hall/a.png", "video_id": 2}]
    path = coco(tmp_path / "b.json", images=videos, annotations=annotations, categories=[])
    done = import_dataset(f"coco:{path}", out=tmp_path / "apart", cutting=Cutting(tracks=True))
    assert done.data.table["identity_label"].to_list() == ["1/7", "2/7", "2/9"]


BOX = {"image_id": 1, "bbox": [10, 10, 20, 40], "category_id": 1}
DAMAGES = [
    ({"annotations": 3}, "'annotations' must be a list"),
    ({"annotations": [3]}, "'annotations' must be a list of objects"),
    ({"annotations": [{**BOX, "image_id": 5}]}, r"annotations\[0\] is of image 5"),
    ({"annotations": [{**BOX, "image_id": None}]}, r"annotations\[0\]: 'image_id' must be a whole number or text"),
    ({"annotations": [BOX, {**BOX, "bbox": [1, 2, 3]}]}, r"annotations\[1\]: 'bbox' must be \[left"),
    ({"annotations": [{**BOX, "bbox": [1, 2, 3, "4"]}]}, "'bbox' must be"),
    ({"annotations": [{**BOX, "score": "high"}]}, "'score' must be a number"),
    ({"annotations": []}, "no box is left to cut"),
    ({"annotations": [{**BOX, "bbox": [500, 0, 20, 40]}]}, r"no box is left to cut \(1 outside of the frame\)"),
    ({"images": [{"id": 1}]}, r"images\[0\]: 'file_name' must be text"),
    ({"images": [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}]}, "share their id, first 1"),
    ({"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "a.png"}]}, "share their file_name"),
    ({"images": [{"id": 1, "file_name": "/etc/a.png"}]}, "files outside of .*--frames"),
    ({"images": [{"id": 1, "file_name": "../a.png"}]}, "files outside of .*--frames"),
    ({"images": [{"id": 1, "file_name": "c.png"}]}, "1 of 1 frames are not in .*--frames"),
    ({"images": [{"id": 1, "file_name": "a.png", "height": 80, "width": 60}]}, "not resized or turned"),
    ({"categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}]}, "--category .*'person'.* Known: car, bus"),
    ({"annotations": [{**BOX, "category_id": [1]}]}, r"annotations\[0\]: 'category_id' must be a whole number or text"),
    ({"annotations": [{**BOX, "track_id": {}}]}, r"annotations\[0\]: a track must be"),
    ({"images": [{"id": 1, "file_name": "a.png", "height": "60", "width": 80}]}, "'height' must be a whole number"),
    ({"categories": [{"id": 1}]}, r"categories\[0\]: 'name' must be text"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
def test_a_damaged_coco_file_is_one_message_and_nothing_is_written(tmp_path, damage, says):
    frames(tmp_path, "a.png", "b.png")
    whole = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [BOX]}
    path = coco(tmp_path / "boxes.json", **{**whole, **damage})
    before = sorted(os.walk(tmp_path))
    with pytest.raises(CloserlookError, match=says):
        import_dataset(f"coco:{path}", out=tmp_path / "out" / "crops")
    assert sorted(os.walk(tmp_path)) == before


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b"\xff\xfe", b"{", b"[" * 10**5])
def test_what_is_no_coco_file_is_told(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(CloserlookError, match=r"x\.json"):
        read_coco(tmp_path / "x.json", None, ANY)


def test_a_byte_order_mark_and_lines_of_windows_do_not_matter(tmp_path):
    path = coco(tmp_path / "a.json")
    text = json.dumps(json.loads(path.read_text()), indent=1).replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(read_coco(path, None, ANY).table) == 3


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["id", "file_name", "image_id", "bbox", "track_id", "name"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(st.fixed_dictionaries({}, optional={"images": VALUE, "annotations": VALUE, "categories": VALUE}) | VALUE)
@settings(max_examples=200, deadline=None)
def test_no_json_ends_in_anything_but_boxes_or_our_error(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("coco") / "x.json"
    path.write_text(json.dumps(document))
    try:
        assert read_coco(path, None, ANY).table.columns[0] == "frame"
    except CloserlookError as error:
        assert "x.json" in str(error)


TRUTH = "1,3,11,11,20,40,1,1,1\n2,3,11,11,20,40,1,1,1\n2,4,31,11,20,40,0,1,1\n2,5,31,11,20,40,1,7,1\n"


def sequence(root, text=TRUTH, count=2):
    frames(root, *(f"img1/{number:06d}.png" for number in range(1, count + 1)))
    (root / "gt").mkdir(exist_ok=True)
    (root / "gt" / "gt.txt").write_text(text)
    return root / "gt" / "gt.txt"


def test_a_sequence_of_motchallenge(tmp_path):
    path = sequence(tmp_path / "MOT17-02")
    done = import_dataset(f"mot:{path}", out=tmp_path / "crops", cutting=Cutting(tracks=True))
    assert done.data.table.select("file_name", "identity", "camera_label", "frame").rows() == [
        ("images/000001_00.jpg", 3, "MOT17-02", "000001.png"),
        ("images/000002_00.jpg", 3, "MOT17-02", "000002.png"),
    ]
    assert done.note == "2 crops; left out: 2 marked as no pedestrian's"
    difference = read_image(done.data.paths[0]).astype(int) - noise(0, HEIGHT, WIDTH)[10:50, 10:30]
    assert np.abs(difference).mean() < 12


def test_sequences_in_a_folder_are_cameras_and_their_people_others(tmp_path):
    for name in ("A", "B"):
        sequence(tmp_path / "train" / name)
    done = import_dataset(f"mot:{tmp_path / 'train'}", out=tmp_path / "crops", cutting=Cutting(tracks=True))
    assert done.data.table["identity_label"].to_list() == ["A/3", "A/3", "B/3", "B/3"]
    assert done.data.cameras.tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    "text",
    ["1 -1 11 11 20 40 0.9\n", "\ufeff1;-1;11;11;20;40;0.9\r\n\r\n", "1, -1, 11, 11, 20, 40, 0.9, -1, -1, -1"],
)
def test_detections_of_any_spelling(tmp_path, text):
    sequence(tmp_path)
    (tmp_path / "det.txt").write_bytes(text.encode())
    found = read_mot(tmp_path / "det.txt", tmp_path / "img1", ANY).table
    assert found.select("frame", "track", "left", "height", "score").rows() == [("000001.png", None, 10, 40, 0.9)]
    cut = import_dataset(
        f"mot:{tmp_path / 'det.txt'}", out=tmp_path / "crops", frames=tmp_path / "img1", cutting=Cutting(score=0.5)
    )
    assert len(cut.data) == 1
    with pytest.raises(CloserlookError, match="1 below --score"):
        import_dataset(
            f"mot:{tmp_path / 'det.txt'}", out=tmp_path / "none", frames=tmp_path / "img1", cutting=Cutting(score=0.95)
        )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("frame,id,x,y,w,h\n", "line 1: 'frame,id,x,y,w,h' is not like"),
        ("1,2,3,4,5\n", "line 1: "),
        (TRUTH + "x\n", "line 5: 'x' is not like"),
        ("9,1,1,1,5,5,1\n", "line 1: there is no frame 9"),
        ("1.5,1,1,1,5,5,1\n", "line 1: "),
        ("nan,1,1,1,5,5,1\n", "line 1: "),
        ("1,inf,1,1,5,5,1\n", "line 1: "),
        ("", "no box is left"),
    ],
)
def test_a_line_that_is_no_box_is_named(tmp_path, text, says):
    path = sequence(tmp_path, text)
    with pytest.raises(CloserlookError, match=says):
        import_dataset(f"mot:{path}", out=tmp_path / "crops")
    assert not (tmp_path / "crops").exists()


def test_the_same_box_twice_is_cut_once(tmp_path):
    path = sequence(tmp_path, TRUTH.splitlines()[0] + "\n" + TRUTH)
    assert "1 written twice" in import_dataset(f"mot:{path}", out=tmp_path / "crops").note


@given(st.text(max_size=60) | st.lists(st.lists(st.floats() | st.integers(), max_size=9), max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_text_ends_in_anything_but_boxes_or_our_error(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("mot")
    (root / "img1").mkdir()
    (root / "img1" / "1.jpg").touch()
    text = content if isinstance(content, str) else "\n".join(",".join(map(str, row)) for row in content)
    (root / "x.txt").write_bytes(text.encode("utf-8", "replace"))
    try:
        assert read_mot(root / "x.txt", root / "img1", ANY).table.columns[0] == "frame"
    except CloserlookError as error:
        assert "x.txt" in str(error)


@pytest.mark.parametrize("content", [b"", b"not an image", None])
def test_a_frame_that_cannot_be_read_is_named_and_nothing_is_written(tmp_path, content):
    path = sequence(tmp_path)
    damaged = tmp_path / "img1" / "000002.png"
    damaged.write_bytes(damaged.read_bytes()[:60] if content is None else content)
    with pytest.raises(CloserlookError, match=r"000002\.png"):
        import_dataset(f"mot:{path}", out=tmp_path / "crops")
    assert not (tmp_path / "crops").exists()


@pytest.mark.parametrize("mode", ["L", "CMYK", "I;16", "P", "RGBA", "LA"])
def test_frames_of_every_kind_are_cut(tmp_path, mode):
    suffix = "tif" if mode == "CMYK" else "png"
    (tmp_path / "img1").mkdir()
    gray = noise(0, HEIGHT, WIDTH)
    deep = Image.fromarray(gray[..., 0].astype(np.uint16) * 257)
    (deep if mode == "I;16" else Image.fromarray(gray).convert(mode)).save(tmp_path / "img1" / f"1.{suffix}")
    (tmp_path / "boxes.txt").write_text("1,-1,11,11,20,40,1\n")
    done = import_dataset(f"mot:{tmp_path / 'boxes.txt'}", out=tmp_path / "crops", frames=tmp_path / "img1")
    assert read_image(done.data.paths[0]).shape == (40, 20, 3)


def test_frames_with_blanks_and_unicode_and_of_one_stem_stay_apart(tmp_path):
    names = ["zwei Wörter/東京.png", "zwei Wörter/東京.jpg", "new\nline.png"]
    frames(tmp_path, *names)
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    boxes = [{"image_id": number, "bbox": [0, 0, 30, 40]} for number in range(3)]
    path = coco(tmp_path / "a.json", images=images, annotations=boxes, categories=[])
    data = import_dataset(f"coco:{path}", out=tmp_path / "crops").data
    assert data.table["file_name"].n_unique() == 3
    assert data.table["frame"].to_list() == names
    assert len(open_dataset(tmp_path / "crops")) == 3


def test_options_that_fit_nothing_are_refused(tmp_path):
    write(tmp_path / "data" / "1_c1.png")
    path = coco(tmp_path / "a.json")
    for sources, options, says in (
        ((f"folder:{tmp_path / 'data'}",), {"frames": tmp_path}, "for coco:FILE and mot:FILE alone"),
        ((f"folder:{tmp_path / 'data'}",), {"name": "(?P<identity>.)"}, "--name is for pattern:FOLDER alone"),
        ((f"coco:{path}",), {"name": "(?P<identity>.)"}, "--name is for pattern:FOLDER alone"),
        ((f"coco:{path}", f"folder:{tmp_path / 'data'}"), {}, "one source at a time"),
    ):
        with pytest.raises(UsageError, match=says):
            import_dataset(*sources, out=tmp_path / "out", **options)
    with pytest.raises(UsageError, match=r"has boxes in frames: cut them out first"):
        open_dataset(f"coco:{path}")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").touch()
    with pytest.raises(CloserlookError, match="exists already"):
        import_dataset(f"coco:{path}", out=tmp_path / "out")


def test_a_pattern_is_imported_once_and_opened_by_every_verb(tmp_path):
    write(tmp_path / "data" / "7_c2.png")
    import_dataset(f"pattern:{tmp_path / 'data'}", out=tmp_path / "t", name=r"(?P<identity>\d+)_c(?P<camera>\d+)")
    table = open_dataset(tmp_path / "t").table
    assert table.select("identity", "camera").rows() == [(7, 2)]
    assert pl.read_parquet(tmp_path / "t" / "metadata.parquet").height == 1

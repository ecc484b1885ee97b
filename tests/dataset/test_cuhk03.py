"""CUHK03 by both protocols, from extracted images and out of the released file."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image
from scipy.io import savemat

from closerlook.dataset import import_dataset, open_dataset
from closerlook.dataset.formats.cuhk03 import VARIANTS, new_splits
from closerlook.errors import CloserlookError

from .drawing import noise, write

# pairs 1 and 2 with two people each; one image of each from both cameras
PEOPLE = [(1, 1), (1, 2), (2, 1), (2, 2)]
NAMES = [f"{pair}_{person:03d}_{view}_{image:02d}.png" for pair, person in PEOPLE for view, image in ((1, 1), (2, 6))]
TESTED = [(1, 2), (2, 1)]
LABELS = [(1, 1, "train"), (1, 2, "train"), (2, 1, "query"), (2, 2, "gallery")]
LABELS += [(3, 1, "query"), (3, 2, "gallery"), (4, 1, "train"), (4, 2, "train")]


def config(folder, kind):
    """As the new protocol's authors publish it: numbers from 1 into a list of names."""
    names = np.empty((len(NAMES), 1), object)
    names[:, 0] = NAMES
    rows = {"train_idx": [1, 2, 7, 8], "query_idx": [3, 5], "gallery_idx": [4, 6]}
    savemat(
        folder / f"cuhk03_new_protocol_config_{kind}.mat",
        {"filelist": names, **{name: np.array(row)[:, None] for name, row in rows.items()}},
    )


def extracted(root, kind="detected"):
    for number, name in enumerate(NAMES):
        write(root / f"images_{kind}" / name, seed=number)
    config(root, kind)
    test = [[f"/somewhere/images_{kind}/{name}", 0, 0] for name in NAMES[2:6]]
    train = [[f"C:\\data\\{name}", 0, 0] for name in [*NAMES[:2], *NAMES[6:]]]
    classic = [{"train": train, "query": test, "gallery": test}, {"train": [], "query": [], "gallery": []}]
    (root / f"splits_classic_{kind}.json").write_text(json.dumps(classic))
    return root


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_protocols_of_extracted_images(tmp_path, variant):
    data = open_dataset(f"{variant}:{extracted(tmp_path, VARIANTS[variant][1])}")
    assert data.table.select("identity", "camera", "split").rows() == LABELS
    assert data.table["pair"].to_list() == [1] * 4 + [2] * 4
    assert all(path.is_file() for path in data.paths)
    assert data.name == variant


def test_the_new_protocol_as_toolboxes_list_it(tmp_path):
    extracted(tmp_path)
    (tmp_path / "cuhk03_new_protocol_config_detected.mat").unlink()
    parts = {
        split: [[name, 0, 0] for name, row in zip(NAMES, LABELS, strict=True) if row[2] == split]
        for split in ("train", "query", "gallery")
    }
    (tmp_path / "splits_new_detected.json").write_text(json.dumps([parts]))
    assert open_dataset(f"cuhk03-detected:{tmp_path}").table.select("identity", "camera", "split").rows() == LABELS


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda root: write(root / "images_detected" / "9_001_1_01.png"), "1 of 9 images are in no split"),
        (lambda root: write(root / "images_detected" / "holiday.png"), "1 of 9 images are not named like"),
        (
            lambda root: (root / "images_detected" / NAMES[0]).unlink(),
            f"lacks 1 images of its protocol, first {NAMES[0]}",
        ),
        (
            lambda root: (root / "cuhk03_new_protocol_config_detected.mat").write_bytes(b"x"),
            "config_detected.mat is no",
        ),
        (lambda root: (root / "cuhk03_new_protocol_config_detected.mat").unlink(), "or splits_new_detected.json"),
        (lambda root: (root / "images_detected").rename(root / "images"), "no folder images_detected"),
    ],
)
def test_a_damaged_copy_is_explained(tmp_path, damage, says):
    damage(extracted(tmp_path))
    with pytest.raises(CloserlookError, match=says):
        open_dataset(f"cuhk03-detected:{tmp_path}")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[1]", '[{"train": 1}]', '[{"train": [["a.png"]], "query": [["b.png"]], "gallery": []}]']
)
def test_a_list_that_is_none_is_explained(tmp_path, text):
    extracted(tmp_path)
    (tmp_path / "splits_classic_detected.json").write_text(text)
    with pytest.raises(CloserlookError, match=r"splits_classic_detected\.json"):
        open_dataset(f"cuhk03-classic-detected:{tmp_path}")


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_configuration_ends_in_anything_but_our_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("mat") / "config.mat"
    path.write_bytes(content)
    with pytest.raises(CloserlookError, match=r"config\.mat"):
        new_splits(path)


def released(path, kinds=("detected", "labeled")):
    """A file like the released one: cells of references, everything transposed as MATLAB writes it."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        reference = h5py.special_dtype(ref=h5py.Reference)
        for kind in kinds:
            pairs = file.create_dataset(kind, (1, 2), dtype=reference)
            for pair in (1, 2):
                cell = file.create_dataset(f"{kind}{pair}", (10, 2), dtype=reference)
                for person in (1, 2):
                    for image in range(10):
                        name = f"{pair}_{person:03d}_{1 + image // 5}_{image + 1:02d}.png"
                        there = name in NAMES
                        pixels = noise(NAMES.index(name)).T if there else np.zeros(2, np.uint64)
                        made = file.create_dataset(f"{kind}{name}", data=pixels)
                        cell[image, person - 1] = made.ref
                pairs[0, pair - 1] = cell.ref
        sets = file.create_dataset("testsets", (1, 1), dtype=reference)
        sets[0, 0] = file.create_dataset("testset", data=np.array(TESTED, float).T).ref
    return path


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_released_file_is_written_out_as_extracted_images_are(tmp_path, variant):
    matrix = released(tmp_path / "cuhk-03.mat")
    config(tmp_path, VARIANTS[variant][1])
    with pytest.raises(CloserlookError, match=r"holds its images inside.*dataset import"):
        open_dataset(f"{variant}:{matrix}")
    done = import_dataset(f"{variant}:{matrix}", out=tmp_path / "out")
    again = open_dataset(tmp_path / "out")
    assert again.table.equals(done.data.table)
    assert again.table.select("identity", "camera", "split").rows() == LABELS
    for number, path in enumerate(again.paths):
        assert np.array_equal(np.asarray(Image.open(path)), noise(number))


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", "without images"])
def test_a_file_that_is_not_the_released_one_leaves_nothing(tmp_path, content):
    matrix = tmp_path / "cuhk-03.mat"
    if isinstance(content, bytes):
        matrix.write_bytes(content)
    else:
        released(matrix, kinds=())
    with pytest.raises(CloserlookError, match=r"cuhk-03\.mat is not the cuhk-03\.mat that was released"):
        import_dataset(f"cuhk03-classic-detected:{matrix}", out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["cuhk-03.mat"]


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((3, 60_000, 60_000), "u1"), ((4, 8, 16), "u1"), ((3, 0, 16), "u1"), ((3, 8, 16), "f8"), ((16, 8, 3), "u1")],
)
def test_an_image_that_is_none_is_refused_before_it_is_read(tmp_path, shape, dtype):
    h5py = pytest.importorskip("h5py")
    matrix = released(tmp_path / "cuhk-03.mat")
    with h5py.File(matrix, "r+") as file:  # chunks that were never written take no room, until they are read
        file["detected1"][0, 0] = file.create_dataset("odd", shape, dtype, chunks=None if 0 in shape else True).ref
    with pytest.raises(CloserlookError, match=r"image 1_001_1_01\.png is \d+ x \d+ x \d+ of"):
        import_dataset(f"cuhk03-classic-detected:{matrix}", out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["cuhk-03.mat"]


def test_a_missing_configuration_is_told(tmp_path):
    matrix = released(tmp_path / "cuhk-03.mat")
    with pytest.raises(CloserlookError, match=r"There is no file .*cuhk03_new_protocol_config_detected\.mat"):
        import_dataset(f"cuhk03-detected:{matrix}", out=tmp_path / "out")


def test_without_h5py_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    matrix = released(tmp_path / "cuhk-03.mat")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CloserlookError, match=r"pip install 'closerlook\[cuhk03\]'"):
        import_dataset(f"cuhk03-classic-detected:{matrix}", out=tmp_path / "out")

import os
from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.dataset import open_dataset
from closerlook.dataset.images import image_array, iter_images, resize
from closerlook.errors import CloserlookError, UsageError

from .drawing import noise, write


def test_resize_is_identity_at_the_same_size():
    image = noise(1)
    assert resize(image, (16, 8)) is image


def test_resize_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, (16, 16))
    assert small.shape == (16, 16, 3)
    assert np.abs(small[:, 2:-2].astype(int) - 127).max() <= 2  # without antialiasing all is 0 or 255


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_batches_are_in_table_order_whatever_the_threads(images_folder, count, batch_size, workers):
    rows = [i % 9 for i in range(count)]
    data = images_folder.take(rows)
    batches = list(iter_images(data, (12, 6), batch_size=batch_size, workers=workers))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    expected = [resize(noise(i), (12, 6)) for i in rows]
    assert np.array_equal(np.concatenate(batches), expected)


@pytest.fixture(scope="module")
def images_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for i in range(9):
        write(root / f"{i}.png", seed=i)
    return open_dataset(root)


def test_a_bad_image_stops_the_iteration_with_its_name(images_folder, tmp_path):
    for i in range(4):
        write(tmp_path / "d" / f"{i}.png", seed=i)
    (tmp_path / "d" / "2.png").write_bytes(b"")
    with pytest.raises(CloserlookError, match=r"2\.png"):
        list(iter_images(open_dataset(tmp_path / "d"), (8, 8), batch_size=1))


def test_at_most_a_few_batches_are_read_ahead(images_folder, monkeypatch):
    from closerlook.dataset import images

    read = []

    def read_image(path):
        read.append(path)
        return noise(0)

    monkeypatch.setattr(images, "read_image", read_image)
    batches = iter_images(images_folder, (8, 8), batch_size=1, workers=2)
    next(batches)
    assert isinstance(batches, Generator)
    batches.close()
    assert len(read) <= 3


def test_senseless_sizes_are_refused(images_folder):
    with pytest.raises(UsageError):
        next(iter_images(images_folder, (0, 8)))


def test_image_array_holds_what_iter_images_gives_and_is_read_once(images_folder, monkeypatch):
    from closerlook.dataset import images

    first = image_array(images_folder, (12, 6))
    assert isinstance(first, np.memmap)
    assert np.array_equal(first, np.concatenate(list(iter_images(images_folder, (12, 6)))))
    monkeypatch.setattr(images, "read_image", lambda path: pytest.fail("decoded twice"))
    assert np.array_equal(image_array(images_folder, (12, 6)), first)


def test_the_arrays_longest_unused_make_room(images_folder, cache, monkeypatch):
    from closerlook.dataset import images

    monkeypatch.setattr(images, "CACHE_BYTES", 2 * 9 * 12 * 12 * 3 + 1000)
    for width in (10, 11, 10, 12):  # the first is used again before the third is made
        image_array(images_folder, (12, width))
        for path in cache.rglob("*.npy"):
            os.utime(path, (0, path.stat().st_mtime - 10))
    assert len(list(cache.rglob("*.npy"))) == 2
    monkeypatch.setattr(images, "read_image", lambda path: pytest.fail("decoded again"))
    assert image_array(images_folder, (12, 10)).shape[2] == 10
    assert image_array(images_folder, (12, 12)).shape[2] == 12


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: bytes(200) + data[200:],
        lambda data: data.replace(b"(9, 12, 6, 3)", b"(9, 6, 12, 3)"),
    ],
)
def test_a_damaged_image_array_is_made_again(images_folder, cache, damage):
    whole = image_array(images_folder, (12, 6)).copy()
    (path,) = cache.rglob("*.npy")
    path.write_bytes(damage(path.read_bytes()))
    assert np.array_equal(image_array(images_folder, (12, 6)), whole)
    assert np.array_equal(np.load(path), whole)


def test_image_array_sees_a_changed_image(tmp_path):
    write(tmp_path / "d" / "a.png", seed=1)
    data = open_dataset(tmp_path / "d")
    before = image_array(data, (16, 8)).copy()
    write(tmp_path / "d" / "a.png", seed=2, compress_level=0)
    assert np.array_equal(image_array(data, (16, 8))[0], noise(2))
    assert not np.array_equal(before[0], noise(2))


def test_an_interrupted_image_array_leaves_nothing(images_folder, cache, monkeypatch):
    from closerlook.dataset import images

    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "read_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        image_array(images_folder, (10, 5))
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    monkeypatch.setenv("CLOSERLOOK_CACHE", str(cache))
    assert image_array(images_folder, (10, 5)).shape == (9, 10, 5, 3)


def test_image_array_of_a_missing_file_says_so(images_folder, tmp_path):
    write(tmp_path / "d" / "a.png")
    data = open_dataset(tmp_path / "d")
    (tmp_path / "d" / "a.png").unlink()
    with pytest.raises(CloserlookError, match=r"a\.png"):
        image_array(data, (8, 8))

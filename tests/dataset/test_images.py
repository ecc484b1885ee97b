import io
import os

import numpy as np
import pytest
from drawing import noise, write
from hypothesis import given, settings, strategies as st
from PIL import Image

from closerlook.dataset import Dataset
from closerlook.dataset.images import image_array, iter_images, read_image, resize
from closerlook.errors import CloserlookError, UsageError


def test_png_pixels_come_back_as_they_were(tmp_path):
    assert np.array_equal(read_image(write(tmp_path / "a.png", seed=3)), noise(3))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_both_jpeg_decoders_give_the_same_pixels(tmp_path, subsampling):
    path = tmp_path / "a.jpg"
    Image.fromarray(noise(1, 61, 33)).save(path, quality=80, subsampling=subsampling)
    assert np.array_equal(read_image(path), np.asarray(Image.open(path)))


def test_greyscale_is_repeated_over_the_channels(tmp_path):
    grey = noise(5)[..., 0]
    for name in ("a.png", "a.jpg"):
        Image.fromarray(grey).save(tmp_path / name)
        image = read_image(tmp_path / name)
        assert image.shape == (16, 8, 3)
        assert (image == image[..., :1]).all()
    assert np.array_equal(read_image(tmp_path / "a.png")[..., 0], grey)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    deep = np.array([[0, 256, 32768, 65535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, :, 0].tolist() == [0, 1, 128, 255]


def test_transparent_parts_become_white(tmp_path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (10, 20, 30, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image[0, 0].tolist() == [10, 20, 30]
    assert image[1, 1].tolist() == [255, 255, 255]


def test_a_palette_with_transparency_is_read(tmp_path):
    palette = Image.fromarray(noise(2)).convert("P")
    palette.save(tmp_path / "a.png", transparency=int(np.asarray(palette)[0, 0]))
    assert read_image(tmp_path / "a.png")[0, 0].tolist() == [255, 255, 255]


def test_cmyk_is_converted(tmp_path):
    red = Image.new("RGB", (8, 8), (200, 30, 40))
    red.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - (200, 30, 40)).max() < 8


def test_exif_orientation_is_applied(tmp_path):
    image, exif = Image.fromarray(noise(4, 16, 8)), Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif, quality=100, subsampling=0)
    image.save(tmp_path / "plain.jpg", quality=100, subsampling=0)
    assert np.array_equal(read_image(tmp_path / "turned.jpg"), np.rot90(read_image(tmp_path / "plain.jpg"), -1))


@pytest.mark.parametrize("content", [b"", b"hello, world", b"\xff\xd8\xff\xe0 not really", b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_file_that_is_no_image_is_named(tmp_path, content, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(CloserlookError, match=f"broken{suffix}"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_truncated_image_is_refused(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}").read_bytes()
    path = tmp_path / f"half{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CloserlookError, match="half"):
        read_image(path)


def test_a_missing_image_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "absent.jpg", tmp_path):
        with pytest.raises(CloserlookError, match=path.name):
            read_image(path)


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_no_bytes_end_in_anything_but_our_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "a.jpg"
    path.write_bytes(b"\xff\xd8" + content)
    with pytest.raises(CloserlookError, match=r"a\.jpg"):
        read_image(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about the damage
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_image_is_read_or_refused(tmp_path_factory, data):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(noise(1)).save(buffer, data.draw(st.sampled_from(["JPEG", "PNG", "TIFF", "WEBP"])), exif=exif)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 200) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "a.img"
    path.write_bytes(content)
    try:
        image = read_image(path)
    except CloserlookError as error:
        assert "a.img" in str(error)
    else:
        assert image.dtype == np.uint8
        assert image.shape[2:] == (3,)


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
    return Dataset.open(root)


def test_a_bad_image_stops_the_iteration_with_its_name(images_folder, tmp_path):
    for i in range(4):
        write(tmp_path / "d" / f"{i}.png", seed=i)
    (tmp_path / "d" / "2.png").write_bytes(b"")
    with pytest.raises(CloserlookError, match=r"2\.png"):
        list(iter_images(Dataset.open(tmp_path / "d"), (8, 8), batch_size=1))


def test_at_most_a_few_batches_are_read_ahead(images_folder, monkeypatch):
    from closerlook.dataset import images

    read = []
    monkeypatch.setattr(images, "read_image", lambda path: read.append(path) or noise(0))
    batches = iter_images(images_folder, (8, 8), batch_size=1, workers=2)
    next(batches)
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


def test_image_array_sees_a_changed_image(tmp_path):
    write(tmp_path / "d" / "a.png", seed=1)
    data = Dataset.open(tmp_path / "d")
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
    data = Dataset.open(tmp_path / "d")
    (tmp_path / "d" / "a.png").unlink()
    with pytest.raises(CloserlookError, match=r"a\.png"):
        image_array(data, (8, 8))

import ast
import io
import os
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageOps

import closerlook
from closerlook.cli import app
from closerlook.dataset import open_dataset
from closerlook.dataset.audit import audit
from closerlook.dataset.decoding import MAX_PIXELS, read_image, read_rgba, read_size
from closerlook.errors import CloserlookError

from .drawing import noise, write

pytestmark = pytest.mark.slow


def test_png_pixels_come_back_as_they_were(tmp_path):
    assert np.array_equal(read_image(write(tmp_path / "a.png", seed=3)), noise(3))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_both_jpeg_decoders_give_the_same_pixels(tmp_path, subsampling):
    path = tmp_path / "a.jpg"
    Image.fromarray(noise(1, 61, 33)).save(path, quality=80, subsampling=subsampling)
    assert np.array_equal(read_image(path), np.asarray(Image.open(path)))


def test_grayscale_is_repeated_over_the_channels(tmp_path):
    gray = noise(5)[..., 0]
    for name in ("a.png", "a.jpg"):
        Image.fromarray(gray).save(tmp_path / name)
        image = read_image(tmp_path / name)
        assert image.shape == (16, 8, 3)
        assert (image == image[..., :1]).all()
    assert np.array_equal(read_image(tmp_path / "a.png")[..., 0], gray)


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


def png_bomb(height, width):
    """A PNG of one color, written row by row: a few kilobytes that say they are gigabytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * width)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def enlarged_jpeg(height, width):
    """A small JPEG whose header says that it is larger: decoders make room by the header."""
    data = bytearray(simplejpeg.encode_jpeg(noise(0, 16, 16)))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


BOMBS = {"a.jpg": lambda: enlarged_jpeg(30_000, 30_000), "a.png": lambda: png_bomb(9_000, 9_000)}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("read", [read_image, read_rgba, read_size])
def test_more_pixels_than_the_limit_are_refused_by_the_header(tmp_path, name, read):
    path = tmp_path / name
    path.write_bytes(BOMBS[name]())
    assert path.stat().st_size < 400_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CloserlookError, match=rf"{name} is refused.* pixels"):
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_an_image_at_the_limit_is_read(tmp_path):
    (tmp_path / "wide.png").write_bytes(png_bomb(1, MAX_PIXELS // 1000))
    assert read_image(tmp_path / "wide.png").shape == (1, MAX_PIXELS // 1000, 3)
    (tmp_path / "tall.jpg").write_bytes(enlarged_jpeg(60_000, 800))
    assert read_size(tmp_path / "tall.jpg") == (60_000, 800)


def test_a_size_far_above_pillows_own_limit_is_one_message(tmp_path):
    (tmp_path / "a.png").write_bytes(
        png_bomb(1, 1)[:16] + struct.pack(">II", 10**9, 10**9) + b"\x08\2\0\0\0" + b"\0" * 30
    )
    for read in (read_image, read_size):
        with pytest.raises(CloserlookError, match=r"a\.png"):
            read(tmp_path / "a.png")


def test_an_audit_lists_bombs_among_what_cannot_be_read(tmp_path):
    for name, make in BOMBS.items():
        (tmp_path / name).write_bytes(make())
    found = audit(open_dataset(f"folder:{tmp_path}"))
    assert found.found("unreadable") == 2
    assert all("is refused" in message for message in found.problems[0].files)


@pytest.mark.parametrize(
    "arguments", [("compare", "a.png", "a.png", "--model", "lite0"), ("invert", "a.png", "--layer", "conv1_1")]
)
def test_verbs_that_take_a_picture_refuse_a_bomb(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(BOMBS["a.png"]())
    with pytest.raises(CloserlookError, match="is refused"):
        app(arguments, standalone_mode=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


# Who may decode by another way, and why: each reads only what closerlook itself made.
OWN_PIXELS = {
    "dataset/decoding.py": "the one decoder",
    "reid/augmentation.py": "pixels that it has just compressed",
    "synthesis/humans/mesh/packing.py": "a person's textures in the cache",
    "synthesis/scenes/things.py": "a picture that is part of the package",
    "adaptation/scene.py": "images that it has just rendered",
}


def test_nobody_else_decodes_files():
    root = Path(closerlook.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("Image.open", "simplejpeg.decode_jpeg"):
                found.add(path.relative_to(root).as_posix())
    assert found == set(OWN_PIXELS)


@pytest.mark.parametrize("name", ["pipe.png", "zero.png"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, name):
    path = tmp_path / name
    if name.startswith("pipe"):
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(CloserlookError, match="no regular file"):
        read_image(path)


def test_a_zero_byte_in_a_name_is_one_message():
    with pytest.raises(CloserlookError, match="cannot be read"):
        read_image("a\0.jpg")


def segment(marker, body):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def exif_segment(orientation, order):
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return segment(0xE1, b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4))


XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")
TURNED_XMP = segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<rdf tiff:Orientation="6"/>')
BEFORE = {
    "nothing": b"",
    "comment": segment(0xFE, b"made by a camera" * 20),
    "xmp": XMP,
    "profile": segment(0xE2, b"ICC_PROFILE\0" + bytes(300)),
    "padding": b"\xff\xff" + segment(0xFE, b"x"),
    "photoshop": segment(0xED, b"Photoshop 3.0\0" + bytes(100)),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("before", BEFORE)
def test_the_orientation_counts_wherever_it_stands(tmp_path, orientation, before):
    plain = simplejpeg.encode_jpeg(noise(3, 24, 16), colorsubsampling="420")
    order = "<>"[orientation % 2]
    (tmp_path / "a.jpg").write_bytes(plain[:2] + BEFORE[before] + exif_segment(orientation, order) + plain[2:])
    with Image.open(io.BytesIO(plain)) as image:
        image.load()
        image.getexif()[0x0112] = orientation
        wanted = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read_image(tmp_path / "a.jpg"), wanted)


def test_an_orientation_in_xmp_alone_counts_as_pillow_takes_it(tmp_path):
    plain = simplejpeg.encode_jpeg(noise(3, 24, 16))
    (tmp_path / "a.jpg").write_bytes(plain[:2] + TURNED_XMP + plain[2:])
    (tmp_path / "b.jpg").write_bytes(plain)
    assert np.array_equal(read_image(tmp_path / "a.jpg"), np.rot90(read_image(tmp_path / "b.jpg"), -1))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_the_orientation_counts_in_other_formats(tmp_path, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(noise(4)).save(tmp_path / "a", kind, exif=exif, **options)
    assert np.array_equal(read_image(tmp_path / "a"), np.rot90(noise(4), -1))


def test_damaged_notes_do_not_lose_the_image(tmp_path):
    plain = simplejpeg.encode_jpeg(noise(3, 24, 16))
    (tmp_path / "a.jpg").write_bytes(plain[:2] + segment(0xE1, b"Exif\0\0rubbish") + plain[2:])
    assert read_image(tmp_path / "a.jpg").shape == (24, 16, 3)

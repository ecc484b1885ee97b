"""From an image file to pixels: one decoder for every stage, and one limit before it.

Features change with the JPEG decoder, so there is exactly one: libjpeg-turbo with its exact DCT and smooth chroma
upsampling. What a file would take once decoded is read from its header: a file of a few kilobytes can say that it holds
gigabytes.
"""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from closerlook.dataset.shards import read_from_shard, shard_of
from closerlook.errors import CloserlookError

__all__ = [
    "MAX_PIXELS",
    "SUFFIXES",
    "decode_image",
    "is_whole",
    "read_bytes",
    "read_image",
    "read_rgba",
    "read_size",
    "read_whole",
]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
MAX_PIXELS = 50_000_000  # half again as many as a frame of 8K video
MAX_BYTES = 2**29  # more than as many pixels take without compression at 16 bits
ENDS = ((b"\xff\xd8", b"\xff\xd9"), (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"))  # of JPEG and PNG
EDGE = 8  # bytes that these are looked for in
ORIENTATION = 0x0112  # the tag of EXIF
# What each value of it says has to be done to what is stored: transposed, then rows and columns turned round.
TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Decode an image file to (height, width, 3) uint8 RGB.

    Grayscale is repeated over the channels, 16 bits are scaled to 8, CMYK is converted, transparent parts become white
    and an EXIF orientation is applied, so the pixels are what a viewer shows.

    Raises:
        CloserlookError: the file is missing, empty, truncated, not an image or of more than :data:`MAX_PIXELS`; the
            message names it.
    """
    return decode_image(read_bytes(path), path)


def decode_image(data: bytes, path: str | Path) -> NDArray[np.uint8]:
    """The same of bytes; ``path`` is where they come from, for messages.

    Raises:
        CloserlookError: as :func:`read_image`, but for an image that is missing or empty.
    """
    with _explained(path):
        if data.startswith(b"\xff\xd8"):
            try:
                height, width, *_ = simplejpeg.decode_jpeg_header(data)
                _refuse_too_large(path, height, width)
                return _turned(simplejpeg.decode_jpeg(data), _jpeg_orientation(data))
            except ValueError:
                pass  # CMYK, or damaged: Pillow converts the one and explains the other
        with _opened(path, data) as image:
            image.load()  # what is noted behind the pixels counts too
            return _turned(np.array(_to_rgb(image)), _orientation(image))


def read_rgba(path: str | Path) -> Image.Image:
    """An image file with its transparency, as a Pillow image of mode RGBA, as it is stored.

    Raises:
        CloserlookError: as :func:`read_image`.
    """
    data = read_bytes(path)
    with _explained(path), _opened(path, data) as image:
        return image.convert("RGBA")


def read_size(path: str | Path) -> tuple[int, int]:
    """(height, width) of an image file as it is stored, from its header alone.

    Raises:
        CloserlookError: as :func:`read_image`, but for damage behind the header.
    """
    with _explained(path), _opened(path, read_bytes(path)) as image:
        return image.height, image.width


def read_bytes(path: str | Path) -> bytes:
    """An image as it is stored: a file's bytes, or those in a shard (see :mod:`closerlook.dataset.shards`).

    Raises:
        CloserlookError: it is missing, empty, no regular file or too long.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # to open a pipe would wait
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise CloserlookError(f"Image {path} cannot be read: it is {what}.")
            if status.st_size > MAX_BYTES:
                raise CloserlookError(f"Image {path} is refused: it has {status.st_size:,} bytes, over {MAX_BYTES:,}.")
            data = file.read()
    except FileNotFoundError:
        raise CloserlookError(f"There is no image {path}.") from None
    except NotADirectoryError:
        shard = shard_of(path)
        if shard is None:
            raise CloserlookError(f"There is no image {path}.") from None
        return read_from_shard(path, shard)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise CloserlookError(f"Image {path} cannot be read: {reason}.") from None
    if not data:
        raise CloserlookError(f"Image {path} is empty (zero bytes); restore it or remove it from the data set.")
    return data


def read_whole(path: str | Path) -> bytes:
    """The same bytes, after a look at whether the image was cut off.

    A file that ends as its kind does is taken for whole; any other is decoded, to be sure.

    Raises:
        CloserlookError: as :func:`read_image`.
    """
    data = read_bytes(path)
    if not _ends_well(data[:EDGE], data[-EDGE:]):
        decode_image(data, path)
    return data


def is_whole(path: str | Path) -> bool:
    """Whether this is a file that begins and ends as a JPEG or PNG file does; what lies between is not read."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            length = os.fstat(file.fileno()).st_size
            return _ends_well(file.read(EDGE), os.pread(file.fileno(), EDGE, max(0, length - EDGE)))
    except OSError:
        return False


def _ends_well(head: bytes, tail: bytes) -> bool:
    return any(head.startswith(start) and tail.endswith(end) for start, end in ENDS)


@contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    """Parsers of damaged files raise whatever the damage leads to: all of it becomes one message."""
    try:
        yield
    except CloserlookError:
        raise
    except Exception as error:
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise CloserlookError(f"Image {path} cannot be decoded ({reason}); restore it or remove it.") from None


@contextmanager
def _opened(path: str | Path, data: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            _refuse_too_large(path, image.height, image.width)
            yield image
    except Image.DecompressionBombError as error:  # Pillow's own limit lies above ours
        raise CloserlookError(f"Image {path} is refused: {error} Shrink it or remove it.") from None


def _refuse_too_large(path: str | Path, height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise CloserlookError(
            f"Image {path} is refused: it is {height:,} x {width:,} (height x width), {height * width / 1e6:,.0f} "
            f"million pixels, and the limit is {MAX_PIXELS / 1e6:.0f} million. Shrink it or remove it."
        )


def _jpeg_orientation(data: bytes) -> int:
    """What EXIF or XMP say, wherever they stand; most files have neither, and are not parsed again."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if marker == 0xFF:  # padding
            start += 1
            continue
        if marker == 0xDA:  # the pixels begin
            break
        if marker == 0xE1 and data.startswith((EXIF, XMP), start + 4):
            with Image.open(io.BytesIO(data)) as image:
                return _orientation(image)
        start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return 1


def _orientation(image: Image.Image) -> int:
    """1 where nothing readable says otherwise: an image with damaged notes is still an image."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1


def _turned(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation not in TURNS:
        return image
    transposed, rows, columns = TURNS[orientation]
    if transposed:
        image = image.swapaxes(0, 1)
    return np.ascontiguousarray(image[:: -1 if rows else 1, :: -1 if columns else 1])


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 0xFFFF) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # ours comes first, and is an error
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")  # of damaged tags: images are shown or refused

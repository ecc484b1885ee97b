"""Textures as the kernels read them: mip chains laid end to end in one array."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from closerlook.arrays import Bytes
from closerlook.errors import CloserlookError
from closerlook.storage.files import cache_folder
from closerlook.storage.tensors import read_arrays, write_arrays
from closerlook.synthesis.humans.clothing.fabric import relief_texture
from closerlook.synthesis.scenes import grounds, paint, textures, things, walls

__all__ = ["CHAIN_LENGTH", "Library", "library", "mip_chain", "relief_chain"]

PATTERNS = 4
CHAIN_LENGTH = (4 * paint.SIDE**2 - 1) // 3  # texels of a place texture and its mips


def mip_chain(texture: Bytes) -> Bytes:
    """(n, 4) texels of all levels of a square (s, s, 4) texture, s a power of two, largest first."""
    side = texture.shape[0]
    if texture.shape != (side, side, 4) or side & (side - 1):
        raise ValueError(f"a texture must be square, a power of two and RGBA, not {texture.shape}")
    levels = [texture.reshape(-1, 4)]
    level = texture.astype(np.uint16)
    while side > 1:
        side //= 2
        level = (level[0::2, 0::2] + level[1::2, 0::2] + level[0::2, 1::2] + level[1::2, 1::2] + 2) // 4
        levels.append(level.reshape(-1, 4).astype(np.uint8))
    return np.concatenate(levels)


@functools.cache
def relief_chain(name: str) -> Bytes:
    """The mip chain of a relief that many garments share."""
    return mip_chain(relief_texture(name))


@dataclass(frozen=True)
class Library:
    """Everything painted that places share.

    Attributes:
        texels: (n, 4) all place textures.
        start: name and variant to the first texel.
        patterns: (k, 256, 256) shadows from afar, 255 where the light passes.
        grain: (256, 256) evenly spread noise, for patches of snow.
    """

    texels: Bytes
    start: dict[tuple[str, int], int]
    patterns: Bytes
    grain: Bytes


@functools.cache
def library() -> Library:
    """The shared textures, painted once (about 5 s) and kept in the cache folder, if it can be written to."""
    names = [(name, variant) for name in textures.PAINTERS for variant in range(textures.VARIANTS)]
    files = [Path(str(module.__file__)) for module in (paint, grounds, walls, things, textures)]
    sources = b"".join(path.read_bytes() for path in (*files, files[0].with_name("passers.png")))
    path = cache_folder("textures") / f"{hashlib.sha256(sources).hexdigest()[:16]}.safetensors"
    try:
        texels = read_arrays(path, "it is painted again")[0]["texels"]
    except (OSError, CloserlookError):  # not there yet, or damaged
        texels = np.concatenate([mip_chain(textures.paint(name, variant)) for name, variant in names])
        with contextlib.suppress(CloserlookError):
            write_arrays(path, {"texels": texels})
    start = {key: i * CHAIN_LENGTH for i, key in enumerate(names)}
    return Library(texels, start, textures.shadow_patterns(PATTERNS), textures.grain())

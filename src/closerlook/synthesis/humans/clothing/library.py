"""The second wardrobe: clothes, shoes, hair and skins from a MakeHuman folder (``.mhclo``, ``.obj``, ``.mhmat``).

A vertex of such a proxy is a weighted mean of three vertices of the base mesh plus an offset, scaled by distances on
the body; ``delete_verts`` names the body's vertices that it hides.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from closerlook.arrays import Floating, Int32
from closerlook.dataset.decoding import read_rgba
from closerlook.errors import CloserlookError
from closerlook.synthesis.humans.body.assets import METERS, body_data
from closerlook.synthesis.humans.body.body import Body, short_weights
from closerlook.synthesis.humans.clothing.palette import Color
from closerlook.synthesis.humans.mesh.assembly import Part
from closerlook.synthesis.humans.mesh.mesh import Material

__all__ = ["Library", "Proxy", "find_library", "fit", "halves", "proxy_part", "read_proxy", "skin_image"]


VARIABLE = "CLOSERLOOK_MAKEHUMAN"
SMALL_PIECE = 60  # vertices; smaller pieces (buttons) go with the piece above them
TEXTURE_SIZE = 256
SKIN_SIZE = 512


@dataclass(frozen=True)
class Proxy:
    """A piece of clothing, a pair of shoes or a head of hair that is fitted to the base mesh.

    Attributes:
        name, tags: what its file says it is.
        references: (n, 3) vertices of the base mesh.
        shares: (n, 3) their weights.
        offsets: (n, 3) displacements in units of the scale.
        scales: for each axis two reference vertices and the distance at which the scale is 1.
        deleted: vertices of the body that it hides.
        source: (m,) vertex of each corner after splitting at texture seams.
        uv, triangles: (m, 2) coordinates, v downwards, and (t, 3) corners.
        piece: (n,) which connected piece each vertex belongs to.
        texture: the diffuse texture's file.
    """

    name: str
    tags: frozenset[str]
    references: Int32 = field(repr=False)
    shares: Floating = field(repr=False)
    offsets: Floating = field(repr=False)
    scales: Mapping[int, tuple[int, int, float]] = field(repr=False)
    deleted: Int32 = field(repr=False)
    source: Int32 = field(repr=False)
    uv: Floating = field(repr=False)
    triangles: Int32 = field(repr=False)
    piece: Int32 = field(repr=False)
    texture: Path


@dataclass(frozen=True)
class Library:
    """What a MakeHuman folder offers; items whose texture is missing are left out. Paths of ``.mhclo`` and images."""

    suits: tuple[Path, ...]
    shoes: tuple[Path, ...]
    hats: tuple[Path, ...]
    hair: tuple[Path, ...]
    skins: tuple[Path, ...]


def wardrobe_folder(folder: str | Path | None) -> str | None:
    """The MakeHuman folder to dress people from: ``folder``, else ``$CLOSERLOOK_MAKEHUMAN``, else none."""
    named = folder or os.environ.get(VARIABLE)
    return str(Path(named).resolve()) if named else None


def find_library(folder: str | Path | None) -> Library | None:
    """The library in ``folder``, else in ``$CLOSERLOOK_MAKEHUMAN``, else ``None`` (procedural clothes only).

    Raises:
        CloserlookError: a folder is named but holds no MakeHuman clothes.
    """
    named = wardrobe_folder(folder)
    return _read_library(Path(named)) if named else None


@functools.cache
def _read_library(root: Path) -> Library:
    def items(kind: str) -> tuple[Path, ...]:
        return tuple(path for path in sorted(root.glob(f"{kind}/*.mhclo")) if texture_of(path) is not None)

    library = Library(
        suits=items("clothes/*suit*"),
        shoes=items("clothes/shoes*"),
        hats=items("clothes/fedora*"),
        hair=items("hair/*"),
        skins=tuple(sorted(root.glob("skins/*/*diffuse*.png"))),
    )
    if not library.suits:
        raise CloserlookError(
            f"{root} is not a MakeHuman data folder with clothes: it has no clothes/*suit*/*.mhclo with its texture."
        )
    return library


def texture_of(path: Path) -> Path | None:
    """The diffuse texture of a ``.mhclo``, where it exists."""
    material = next((line.split(None, 1)[1].strip() for line in _lines(path) if line.startswith("material ")), None)
    file = path.parent / material if material else None
    if file is None or not file.is_file():
        return None
    for line in _lines(file):
        if line.startswith("diffuseTexture "):
            texture = file.parent / line.split(None, 1)[1].strip()
            return texture if texture.is_file() else None
    return None


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


@functools.cache
def read_proxy(path: Path) -> Proxy:
    """Read a ``.mhclo`` and the ``.obj`` that it names.

    Raises:
        CloserlookError: the files do not fit together or are not what they say.
    """
    try:
        return _parse_proxy(path)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise CloserlookError(f"{path} is not a readable MakeHuman proxy: {error}.") from None


def _parse_proxy(path: Path) -> Proxy:
    values: dict[str, str] = {}
    tags, scales, rows, deleted, mode = set(), {}, [], [], ""
    for line in _lines(path):
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            continue
        if word in ("verts", "delete_verts"):
            mode = word
        elif word in ("x_scale", "y_scale", "z_scale"):
            first, second, distance = rest.split()
            scales["xyz".index(word[0])] = (int(first), int(second), float(distance))
        elif word == "tag":
            tags.add(rest.strip().lower())
        elif mode == "verts" and word.isdigit():
            rows.append([float(number) for number in line.split()])
        elif mode == "delete_verts" and word.isdigit():
            deleted += _ranges(line)
        else:
            values[word] = rest.strip()
    full = np.array([row if len(row) == 9 else [row[0]] * 3 + [1, 0, 0, 0, 0, 0] for row in rows], np.float64)
    count, source, uv, triangles = _read_obj(path.parent / values["obj_file"])
    if count != len(full):
        raise ValueError(f"{values['obj_file']} has {count} vertices, the proxy {len(full)}")
    texture = texture_of(path)
    if texture is None:
        raise ValueError("its texture is missing")
    return Proxy(
        name=values.get("name", path.stem),
        tags=frozenset(tags),
        references=full[:, :3].astype(np.int32),
        shares=full[:, 3:6].astype(np.float32),
        offsets=(full[:, 6:9] * METERS).astype(np.float32),
        scales=scales,
        deleted=np.array(deleted, np.int32),
        source=source,
        uv=uv,
        triangles=triangles,
        piece=_pieces(count, source[triangles]),
        texture=texture,
    )


def _ranges(line: str) -> list[int]:
    """``3 - 7 12`` is 3, 4, 5, 6, 7, 12."""
    words = line.replace("-", " - ").split()
    numbers: list[int] = []
    k = 0
    while k < len(words):
        if k + 2 < len(words) and words[k + 1] == "-":
            numbers += range(int(words[k]), int(words[k + 2]) + 1)
            k += 3
        else:
            numbers.append(int(words[k]))
            k += 1
    return numbers


def _read_obj(path: Path) -> tuple[int, Int32, Floating, Int32]:
    """Number of vertices, source vertex of each corner, coordinates of each corner, triangles of corners."""
    count, uv, faces = 0, [], []
    for line in _lines(path):
        kind, *words = line.split() or ("",)
        if kind == "v":
            count += 1
        elif kind == "vt":
            uv.append((float(words[0]), 1.0 - float(words[1])))
        elif kind == "f":
            corners = [tuple(int(number) - 1 for number in word.split("/")[:2]) for word in words]
            faces += [(corners[0], corners[k], corners[k + 1]) for k in range(1, len(corners) - 1)]
    pairs, inverse = np.unique(np.array(faces).reshape(-1, 2), axis=0, return_inverse=True)
    coordinates = np.array(uv, np.float32)[pairs[:, 1]]
    return count, pairs[:, 0].astype(np.int32), coordinates % 1.0, inverse.reshape(-1, 3).astype(np.int32)


def _pieces(count: int, triangles: Int32) -> Int32:
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    links = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.int32)


def fit(proxy: Proxy, body: Body) -> tuple[Floating, Floating]:
    """The proxy's vertices on a standing body, meters, and their dense weights on the short rig."""
    data = body_data()
    scale = np.ones(3, np.float32)
    for axis, (first, second, distance) in proxy.scales.items():
        scale[axis] = abs(body.unposed[first, axis] - body.unposed[second, axis]) / (distance * METERS)
    placed = np.einsum("nk,nki->ni", proxy.shares, body.unposed[proxy.references]) + proxy.offsets * scale
    shares = np.clip(proxy.shares, 0, None)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-6)
    full = np.einsum("nk,nkb->nb", shares, data.weights[proxy.references])
    weights = np.einsum("nk,nkb->nb", shares, short_weights()[proxy.references])
    return body.stand(placed, full), weights.astype(np.float32)


def halves(proxy: Proxy, positions: Floating, waist: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which vertices belong to the pieces above and below the waist; a one-piece suit is all above."""
    sizes = np.bincount(proxy.piece)
    heights = np.bincount(proxy.piece, positions[:, 1]) / np.maximum(sizes, 1)
    large = np.flatnonzero(sizes > SMALL_PIECE)
    upper = heights > waist
    if not (upper[large].any() and (~upper[large]).any()):
        return np.ones(len(positions), bool), np.zeros(len(positions), bool)
    return upper[proxy.piece], ~upper[proxy.piece]


def proxy_part(
    proxy: Proxy,
    positions: Floating,
    weights: Floating,
    name: str,
    color: Color | None,
    *,
    keep: NDArray[np.bool_] | None = None,
    cutout: bool = False,
) -> Part:
    """The chosen vertices of a fitted proxy as a part, dyed in a color unless it keeps its own."""
    chosen = np.ones(len(positions), bool) if keep is None else keep
    triangles = proxy.triangles[chosen[proxy.source[proxy.triangles]].all(1)]
    used, renumbered = np.unique(triangles, return_inverse=True)
    vertices = proxy.source[used]
    texture = _dyed(proxy.texture, color, proxy.uv[used])
    material = Material(name, texture, roughness=0.6 if cutout else 0.9, cutout=cutout, two_sided=True)
    return Part(
        material,
        positions[vertices].astype(np.float32),
        proxy.uv[used],
        renumbered.reshape(-1, 3).astype(np.int32),
        weights[vertices],
        vertices,
    )


def _dyed(path: Path, color: Color | None, uv: Floating) -> NDArray[np.uint8]:
    """The texture with its light and shade in another color: the mean where it is used becomes ``color``."""
    image = _image(path, TEXTURE_SIZE).copy()
    if color is None:
        return image
    light = image[..., :3].astype(np.float32) @ np.array([0.3, 0.59, 0.11], np.float32) / 255
    rows, columns = (np.clip(uv[:, k] * TEXTURE_SIZE, 0, TEXTURE_SIZE - 1).astype(np.int64) for k in (1, 0))
    shown = image[rows, columns, 3] > 127
    mean = float(light[rows[shown], columns[shown]].mean()) if shown.any() else 0.5
    relative = np.clip(1 + 0.8 * (light / max(mean, 0.06) - 1), 0.15, 2.2)
    image[..., :3] = np.clip(relative[..., None] * np.array(color) * 255, 3, 255)
    return image


def skin_image(path: Path) -> NDArray[np.uint8]:
    """(512, 512, 4) a MakeHuman skin."""
    return _image(path, SKIN_SIZE).copy()


@functools.lru_cache(maxsize=64)
def _image(path: Path, size: int) -> NDArray[np.uint8]:
    return np.asarray(read_rgba(path).resize((size, size), Image.Resampling.BOX))

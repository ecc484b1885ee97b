"""The dressmaker's view of a body: MakeHuman's helper tights with coordinates along arms, legs and torso."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.spatial import cKDTree

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.assets import body_data
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.mesh.sheet import Sheet, split_quads, vertex_normals

__all__ = ["Landmarks", "Mannequin", "dress_form", "nearest_tights", "smoothed", "tights_vertices"]


@dataclass(frozen=True)
class Landmarks:
    """Heights of a standing body, meters."""

    neck: float
    shoulder: float
    armpit: float
    waist: float
    crotch: float
    knee: float
    ankle: float


@dataclass(frozen=True)
class Mannequin:
    """A closed, smooth second skin that garments are offset from and cut out of.

    ``sheet`` carries, beside ``position`` and ``weights``: ``normal`` (n, 3); ``along``, 0 at the shoulder joint, 0.5
    at the elbow, 1 at the wrist; ``arm``, ``leg`` and ``foot``, the shares of the weights on those limbs; ``armhole``,
    meters inside the seam between trunk and arm.
    """

    body: Body = field(repr=False)
    sheet: Sheet = field(repr=False)
    landmarks: Landmarks

    @property
    def center_z(self) -> float:
        """The depth of the trunk's axis."""
        return float(self.body.head("spine03")[2])

    @property
    def outwards(self) -> Floating:
        """(t, 3) horizontal unit vectors away from the trunk's axis."""
        away = self.sheet.position - np.array([0, 0, self.center_z], np.float32)
        away[:, 1] = 0
        return np.asarray(away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6), np.float32)

    def limb_axis(self, limb: str, side: str, height: Floating) -> Floating:
        """Points (n, 3) on a limb's axis at these heights; above and below the limb the axis goes on upright."""
        names = {"arm": ("upperarm01", "lowerarm01", "wrist"), "leg": ("upperleg01", "lowerleg01", "foot")}[limb]
        joints = np.stack([self.body.head(f"{name}.{side}") for name in names])[::-1]
        x, z = (np.interp(height, joints[:, 1], joints[:, axis]) for axis in (0, 2))
        return np.stack([x, height, z], axis=1).astype(np.float32)


@functools.cache
def tights_vertices() -> NDArray[np.int32]:
    """The numbers of the tights' vertices in the base mesh, ascending."""
    return np.unique(body_data().quads["helper-tights"])


@functools.cache
def nearest_tights() -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each vertex of the base mesh's body, the nearest row of the mannequin, and whether it lies beneath it."""
    data = body_data()
    body = int(data.quads["body"].max()) + 1
    distance, nearest = cKDTree(data.vertices[tights_vertices()]).query(data.vertices[:body])
    return np.asarray(nearest), np.asarray(distance < 0.04)


@functools.cache
def _triangles() -> NDArray[np.int32]:
    quads = body_data().quads["helper-tights"]
    return split_quads(np.searchsorted(tights_vertices(), quads).astype(np.int32))


@functools.cache
def _averaging() -> csr_matrix:
    """Row-normalized neighborhood averaging on the tights."""
    triangles, n = _triangles(), len(tights_vertices())
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    both = np.concatenate([edges, edges[:, ::-1]])
    links = csr_matrix((np.ones(len(both), np.float32), (both[:, 0], both[:, 1])), shape=(n, n))
    links.data[:] = 1.0
    return diags(1.0 / np.asarray(links.sum(1)).ravel()).astype(np.float32) @ links


@functools.cache
def _limbs() -> dict[str, Floating]:
    """What does not depend on the body's shape: shares of limbs and the coordinate along the arm."""
    data = body_data()
    rows = tights_vertices()
    names = np.array(data.bone_names)
    weights, rest = data.weights[rows], data.vertices[rows]

    def share(*stems: str) -> Floating:
        return np.asarray(weights[:, [name.startswith(stems) for name in names]].sum(1), np.float32)

    def head(name: str) -> Floating:
        return np.asarray(data.heads[data.bone_names.index(name)])

    arm = share("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
    along = np.zeros(len(rows), np.float32)
    for side, mask in (("L", rest[:, 0] > 0), ("R", rest[:, 0] <= 0)):
        shoulder, elbow, wrist = (head(f"{stem}.{side}") for stem in ("upperarm01", "lowerarm01", "wrist"))
        upper = _fraction(rest, shoulder, elbow)
        lower = _fraction(rest, elbow, wrist)
        along[mask] = np.where(upper < 1, 0.5 * upper, 0.5 + 0.5 * np.maximum(lower, 0))[mask]
    seam = np.abs(head("upperarm01.L")[0]) + 0.002 - np.abs(rest[:, 0])
    beside_arm = (arm > 0.5) | (rest[:, 1] > head("spine02")[1] + 0.02)
    armhole = np.where(beside_arm, seam, np.maximum(seam, 0.05))
    for _ in range(8):
        arm = np.asarray(0.5 * arm + 0.5 * (_averaging() @ arm), np.float32)
    return {
        "arm": arm,
        "leg": share("upperleg", "lowerleg", "foot", "toe"),
        "foot": share("foot", "toe"),
        "along": along,
        "armhole": armhole.astype(np.float32),
    }


def _fraction(points: Floating, start: Floating, end: Floating) -> Floating:
    axis = end - start
    return np.asarray((points - start) @ axis / (axis @ axis), np.float32)


def smoothed(position: Floating, steps: int, share: Floating) -> Floating:
    """The tights' vertices moved towards their neighbors' means as far as ``share`` (n,) says."""
    moved = position
    for _ in range(steps):
        moved = moved + share[:, None] * 0.7 * (_averaging() @ moved - moved)
    return np.asarray(moved, np.float32)


def dress_form(body: Body) -> Mannequin:
    """The mannequin of a standing body: its tights, relaxed where lowering the arms creased them."""
    rows = tights_vertices()
    limbs = _limbs()
    position = body.positions[rows]
    creased = np.clip(1.2 - 4 * np.abs(limbs["along"] - 0.05), 0, 1) * (limbs["foot"] < 0.1)
    position = smoothed(position, 4, creased)
    normal = vertex_normals(position, _triangles())
    for _ in range(4):
        normal = np.where(limbs["foot"][:, None] > 0.1, normal, 0.4 * normal + 0.6 * (_averaging() @ normal))
    normal = (normal / np.linalg.norm(normal, axis=1, keepdims=True)).astype(np.float32)
    values = {"position": position, "normal": normal, "weights": body.weights[rows], **limbs}
    return Mannequin(body, Sheet(_triangles(), values), _landmarks(body, position, limbs))


def _landmarks(body: Body, position: Floating, limbs: dict[str, Floating]) -> Landmarks:
    middle = np.abs(body_data().vertices[tights_vertices(), 0]) < 1e-4
    below_waist = position[:, 1] < body.head("spine05")[1]
    armpit = (np.abs(limbs["along"] - 0.12) < 0.05) & (limbs["arm"] > 0.3)
    return Landmarks(
        neck=float(body.head("neck01")[1]),
        shoulder=float(body.head("upperarm01.L")[1]),
        armpit=float(position[armpit, 1].min()),
        waist=float(body.head("spine04")[1]),
        crotch=float(position[middle & below_waist, 1].min()),
        knee=float(body.head("lowerleg01.L")[1]),
        ankle=float(body.head("foot.L")[1]),
    )

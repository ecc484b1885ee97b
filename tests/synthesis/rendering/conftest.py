import numpy as np
import pytest

from closerlook.synthesis.humans.mesh.mesh import Material, Person, PosedBatch, PosedPerson, Skeleton
from closerlook.synthesis.rendering.renderer import Renderer, ViewRequest
from closerlook.synthesis.scenes.backdrop import BACKDROPS, Panels, Place, texture_number


def plain(color, side=16):
    texture = np.full((side, side, 4), 255, np.uint8)
    texture[..., :3] = color
    return texture


class Studio:
    """A renderer with somebody in a pose before it, a view at a time."""

    def __init__(self, size, person, posed, make=Renderer):
        self.renderer = make(size)
        self.renderer.set_person(person)
        self.posed = posed

    def rasterize(self, view):
        self.renderer.rasterize(PosedBatch.from_posed(self.posed), [ViewRequest(view)])
        return self.gbuffer

    def render(self, view, images):
        return self.renderer.render_view(self.posed, view, images)

    @property
    def gbuffer(self):
        return self.renderer.gbuffer()

    @property
    def frame(self):
        return self.gbuffer.frame

    @property
    def cover(self):
        """(h, w) share of each pixel that shows the person."""
        return self.gbuffer.color[0, :, :, 3]


def person_of(positions, triangles, materials, materials_of=None, uv=None):
    """A person of loose triangles, and itself posed."""
    count = len(positions)
    positions = np.asarray(positions, np.float32)
    triangles = np.asarray(triangles, np.int32)
    normals = np.zeros_like(positions)
    faces = np.cross(
        positions[triangles[:, 1]] - positions[triangles[:, 0]], positions[triangles[:, 2]] - positions[triangles[:, 0]]
    )
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    person = Person(
        identity=1,
        labels={},
        positions=positions,
        smooth=np.arange(count, dtype=np.int32),
        uv=np.zeros((count, 2), np.float32) if uv is None else np.asarray(uv, np.float32),
        bones=np.zeros((count, 4), np.int32),
        weights=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        triangles=triangles,
        materials_of=np.zeros(len(triangles), np.int32) if materials_of is None else np.asarray(materials_of, np.int32),
        materials=tuple(materials),
        body_vertices=count,
        skeleton=Skeleton(("root",), np.array([-1], np.int32), np.zeros((1, 3), np.float32)),
    )
    return person, PosedPerson(positions, normals, np.zeros((1, 3), np.float32))


@pytest.fixture(scope="session")
def block():
    """A block 0.4 x 1.7 x 0.3 m, flat-shaded, mid red."""
    faces, positions, triangles = np.eye(3), list[np.ndarray](), list[tuple[int, int, int]]()
    half = np.array([0.2, 0.85, 0.15])
    for axis in range(3):
        for sign in (1, -1):
            normal, u, v = faces[axis] * sign, faces[(axis + 1) % 3], faces[(axis + 2) % 3] * sign
            base = len(positions)
            positions += [
                (normal + a * u + b * v) * half + [0, 0.85, 0] for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            ]
            triangles += [(base, base + 1, base + 2), (base, base + 2, base + 3)]
    return person_of(positions, triangles, [Material("upper", plain((170, 60, 50)))])


@pytest.fixture
def open_place():
    """Bare concrete without walls, things or shadows from afar."""
    return place_of([])


def place_of(walls, north=0.0, ground="concrete"):
    """A ground and upright walls, each (distance towards -z, left, right, texture)."""
    texture, corner, along = [(ground, 0)], [[0.0, 0.0, 0.0]], [[2.0, 0.0, 0.0]]
    upward = [[0.0, 0.0, 2.0]]
    for distance, left, right, name in walls:
        texture.append((name, 0))
        corner.append([left, 0.0, -distance])
        along.append([right - left, 0.0, 0.0])
        upward.append([0.0, 12.0, 0.0])
    count = len(texture)
    panels = Panels(
        np.array([texture_number(*one) for one in texture]),
        np.array(corner),
        np.array(along),
        np.array(upward),
        np.ones((count, 3)),
        np.array([[1.0, 1.0], *[[abs(a[0]) / 2, 6.0] for a in along[1:]]]),
        np.zeros((count, 2)),
        np.zeros(count, bool),
        np.zeros(count, bool),
        np.zeros(count, bool),
        np.full(count, 0.9),
    )
    return Place(BACKDROPS["yard"], panels, np.zeros((0, 4)), north, 0.0, 0)

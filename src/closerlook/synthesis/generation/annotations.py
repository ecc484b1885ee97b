"""What is known about a view besides its pixels: mask, parts of the body, key points, box, depth, normals, camera.

Each function reads the surfaces that a renderer finds in a view, :class:`GBuffer`; sizes are those of the image.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Bytes, Float32
from closerlook.synthesis.humans.mesh.mesh import Person
from closerlook.synthesis.rendering.gbuffer import GBuffer
from closerlook.synthesis.rendering.renderer import View
from closerlook.synthesis.rendering.surfaces.rasterize import EMPTY, ID_MASK
from closerlook.synthesis.rendering.surfaces.surroundings import HIDDEN
from closerlook.synthesis.scenes.frames import Frames

__all__ = [
    "CLOTHES",
    "KEYPOINTS",
    "PARTS",
    "SKELETON",
    "box",
    "clothes",
    "depth",
    "describe",
    "keypoints",
    "mask",
    "normals",
    "occlusion",
    "parts",
]


SIDES = ("left", "right")
_LIMBS = {
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
}
FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
KEYPOINTS: tuple[str, ...] = (*FACE, *(f"{side}_{limb}" for limb in _LIMBS for side in SIDES))  # COCO's, in its order
SKELETON = (  # lines between key points
    *(("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"), ("right_eye", "right_ear")),
    *(("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")),
    *((f"{s}_{a}", f"{s}_{b}") for s in SIDES for a, b in (("shoulder", "elbow"), ("elbow", "wrist"))),
    *((f"{s}_{a}", f"{s}_{b}") for s in SIDES for a, b in (("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"))),
)
_BONES_OF = {
    "torso": ("root", "spine", "clavicle", "shoulder"),
    "head": ("neck", "head"),
    "upper_arm": ("upperarm",),
    "lower_arm": ("lowerarm",),
    "hand": ("wrist", "grip"),
    "upper_leg": ("upperleg",),
    "lower_leg": ("lowerleg",),
    "foot": ("foot", "toe"),
}
_LIMB_PARTS = ("upper_arm", "lower_arm", "hand", "upper_leg", "lower_leg", "foot")
PARTS: tuple[str, ...] = (
    *("background", "torso", "head"),
    *(f"{side}_{part}" for part in _LIMB_PARTS for side in SIDES),
    "carried",
)
CLOTHES: tuple[str, ...] = (
    *("background", "skin", "hair", "upper", "outer", "lower", "shoes", "hat", "scarf"),
    "other",  # what is carried or worn besides
)
_WORN = {"eyes": "skin", "feet": "skin", "mask": "other", **{name: name for name in CLOTHES[1:-1]}}
INSIDE = 0.16  # meters that a joint lies below the surface that shows it at most
ON_FACE = 0.035  # the same of a point of the face


def mask(gbuffer: GBuffer) -> Float32:
    """Coverage of the pixels by the person, 0 to 1, (height, width)."""
    return gbuffer.color[0, :, :, 3]


def box(gbuffer: GBuffer) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is seen of the person, pixels; all 0 if nothing is."""
    left, top, right, bottom = _boxes([gbuffer])[0].tolist()
    return left, top, right, bottom


def keypoints(gbuffer: GBuffer) -> Float32:
    """(17, 3) the points of KEYPOINTS: x and y in pixels, and COCO's visibility: 0 outside the image, 1 hidden (by the
    person, or by something before the person), 2 seen.

    A joint lies inside the body; it counts as seen if the surface before it is nearer than INSIDE.
    """
    return np.asarray(_keypoints([gbuffer])[0])


def occlusion(gbuffer: GBuffer) -> float:
    """Share of the person in the image that something nearer to the camera hides, 0 to 1; 0 where the image holds
    nothing of the person.

    Counted in the four samples of every pixel of the sensor, before its blur: those that would show the person if
    nothing stood before, and those that do.
    """
    there = np.count_nonzero(gbuffer.samples < EMPTY.value)
    shown = np.count_nonzero(gbuffer.samples < HIDDEN.value)
    return 1.0 - shown / there if there else 0.0


def parts(gbuffer: GBuffer) -> Bytes:
    """(height, width) numbers of PARTS: the part of the body that is seen, whatever it wears."""
    return _of_triangles(gbuffer, _parts_of(gbuffer.person))


def clothes(gbuffer: GBuffer) -> Bytes:
    """(height, width) numbers of CLOTHES: what is seen of the person."""
    return _of_triangles(gbuffer, _clothes_of(gbuffer.person))


def depth(gbuffer: GBuffer) -> Float32:
    """(height, width) meters along the camera's axis to the nearest surface, person or place; infinite for the sky."""
    ahead = (gbuffer.where[..., :3] - gbuffer.frame.eye) @ gbuffer.frame.forward
    meters = np.where(mask(gbuffer) >= 0.5, ahead[0], ahead[1])
    return np.where(meters < 1000.0, meters, np.inf).astype(np.float32)


def normals(gbuffer: GBuffer) -> Float32:
    """(height, width, 3) unit normals in the camera's axes: right, up, towards the camera."""
    normal = np.where(mask(gbuffer)[..., None] >= 0.5, gbuffer.facing[0, :, :, :3], gbuffer.facing[1, :, :, :3])
    axes = np.stack([gbuffer.frame.right, gbuffer.frame.up, -gbuffer.frame.forward], axis=1)
    return np.asarray(normal @ axes, dtype=np.float32)


def describe(gbuffers: Sequence[GBuffer], views: Sequence[View]) -> list[dict[str, object]]:
    """The annotations of some views of one person that go into the data set's table: numbers and lists, one value a
    column. A view's are the same, bit for bit, in any company.

    ``camera_matrix`` holds 12 numbers, the rows of a 3 x 4 matrix that takes world meters to homogeneous pixels, but
    for the lens's distortion.
    """
    height, width = gbuffers[0].size
    x, y, _, w = np.array([gbuffer.frame.matrix for gbuffer in gbuffers], np.float64).transpose(1, 0, 2)
    matrices = np.stack([(w + x) * width / 2, (w - y) * height / 2, w], axis=1).reshape(-1, 12).tolist()
    points = _keypoints(gbuffers).reshape(len(gbuffers), -1).tolist()
    return [
        {
            "box_left": left,
            "box_top": top,
            "box_right": right,
            "box_bottom": bottom,
            "keypoints": points[k],
            "camera_matrix": matrices[k],
            "camera_height": float(view.camera.height),
            "camera_distance": float(view.camera.distance),
            "occlusion": occlusion(gbuffer),
            "occlusion_requested": float(view.camera.occlusion),
        }
        for k, (gbuffer, view, (left, top, right, bottom)) in enumerate(
            zip(gbuffers, views, _boxes(gbuffers).tolist(), strict=True)
        )
    ]


def _boxes(gbuffers: Sequence[GBuffer]) -> NDArray[np.float64]:
    """(n, 4) of some views; see :func:`box`."""
    shown = np.stack([mask(gbuffer) for gbuffer in gbuffers]) > 0.5
    (left, right), (top, bottom) = (_ends(np.asarray(shown.any(axis))) for axis in (1, 2))
    return np.stack([left, top, right, bottom], axis=1).astype(np.float64)


def _ends(shown: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each row's first true value is, and where what follows its last; 0 and 0 where there is none."""
    return shown.argmax(1), (shown.shape[1] - shown[:, ::-1].argmax(1)) * shown.any(1)


def _keypoints(gbuffers: Sequence[GBuffer]) -> Float32:
    """(n, 17, 3) of some views of one person; see :func:`keypoints`."""
    names, (height, width) = gbuffers[0].person.skeleton.names, gbuffers[0].size
    face = _face_of(gbuffers[0].person)
    joints = [names.index(f"{bone}.{side}") for bone in _LIMBS.values() for side in "LR"]
    of_face = np.concatenate(face)
    ends = np.cumsum([0, *map(len, face)]).tolist()
    positions = np.stack([gbuffer.posed.positions[of_face] for gbuffer in gbuffers])
    middles = [positions[:, start:end].mean(1) for start, end in itertools.pairwise(ends)]
    points = np.concatenate(
        [np.stack(middles, axis=1), np.stack([gbuffer.posed.joints[joints] for gbuffer in gbuffers])], axis=1
    )
    frames = Frames.from_frames([gbuffer.frame for gbuffer in gbuffers])
    pixels = frames.project(points, (height, width))
    column, row = np.floor(pixels).astype(np.int64).transpose(2, 0, 1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = column * inside, row * inside
    cover = np.stack([gbuffer.color[0, r, c, 3] for gbuffer, r, c in zip(gbuffers, row, column, strict=True)])
    surface = np.stack([gbuffer.where[0, r, c, :3] for gbuffer, r, c in zip(gbuffers, row, column, strict=True)])
    hidden_by = ((points - surface) * frames.forward[:, None]).sum(2)
    below = np.array([ON_FACE] * len(face) + [INSIDE] * len(joints))
    visible = inside & (cover > 0.25) & (hidden_by < below)
    return np.concatenate([pixels, (inside * 1.0 + visible)[..., None]], axis=2).astype(np.float32)


def _of_triangles(gbuffer: GBuffer, number_of: Bytes) -> Bytes:
    """A number of each triangle as a picture: of the four samples of a pixel the first that shows the person."""
    height, width = gbuffer.sensor_size
    key = gbuffer.samples.reshape(height, 2, width, 2)
    picture = np.zeros((height, width), np.uint8)
    for y in (1, 0):
        for x in (1, 0):
            sample = key[:, y, :, x]
            shown = sample < HIDDEN.value
            picture[shown] = number_of[sample[shown] & ID_MASK.value]
    rows = (np.arange(gbuffer.size[0]) * height) // gbuffer.size[0]
    columns = (np.arange(gbuffer.size[1]) * width) // gbuffer.size[1]
    return picture[rows][:, columns] * (mask(gbuffer) > 0.5)


_faces: weakref.WeakKeyDictionary[Person, list[NDArray[np.intp]]] = weakref.WeakKeyDictionary()


def _face_of(person: Person) -> list[NDArray[np.intp]]:
    """For each point of FACE the vertices whose middle it is."""
    if person not in _faces:
        _faces[person] = _find_face(person)
    return _faces[person]


def _find_face(person: Person) -> list[NDArray[np.intp]]:
    material = {name: _vertices(person, name) for name in ("skin", "eyes")}
    rest = person.positions
    eyes = [material["eyes"][rest[material["eyes"], 0] * side > 0] for side in (1, -1)]
    level = rest[material["eyes"], 1].mean()
    head = person.skeleton.names.index("head")
    skin = material["skin"][person.bones[material["skin"], 0] == head]
    x, y, z = rest[skin].T
    size = np.ptp(rest[:, 1]) / 1.72
    below = (y < level) & (y > level - 0.07 * size)
    middle = _some((np.abs(x) < 0.012 * size) & below, (np.abs(x) < 0.035 * size) & below)
    beside = _some((y < level + 0.02 * size) & (y > level - 0.05 * size))
    nose = skin[middle][[np.argmax(z[middle])]]
    ears = [skin[beside][np.argsort(-side * x[beside])[:6]] for side in (1, -1)]
    return [nose, *eyes, *ears]


def _some(*choices: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first choice that there is something of, else everything: for small images people have few vertices."""
    return next((choice for choice in choices if choice.any()), np.ones_like(choices[0]))


def _vertices(person: Person, material: str) -> NDArray[np.intp]:
    numbers = [number for number, worn in enumerate(person.materials) if worn.name == material]
    return np.unique(person.triangles[np.isin(person.materials_of, numbers)]).astype(np.intp)


def _parts_of(person: Person) -> Bytes:
    """The number in PARTS of each triangle; of a bone's first vertex, which weighs most."""
    part_of_bone = np.array([PARTS.index(_part_name(bone)) for bone in person.skeleton.names], np.uint8)
    strongest = np.take_along_axis(person.bones, person.weights.argmax(1)[:, None], axis=1)[:, 0]
    numbers = part_of_bone[strongest[person.triangles[:, 0]]]
    carried = [i for i, worn in enumerate(person.materials) if worn.name not in _WORN]
    return np.where(np.isin(person.materials_of, carried), PARTS.index("carried"), numbers).astype(np.uint8)


def _part_name(bone: str) -> str:
    stem, _, side = bone.partition(".")
    for part, stems in _BONES_OF.items():
        if stem.startswith(stems):
            return f"{SIDES['LR'.index(side)]}_{part}" if part in _LIMB_PARTS else part
    return "carried"


def _clothes_of(person: Person) -> Bytes:
    numbers = [CLOTHES.index(_WORN.get(worn.name, "other")) for worn in person.materials]
    return np.array(numbers, np.uint8)[person.materials_of]

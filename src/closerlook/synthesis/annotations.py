"""What is known about a view besides its pixels: mask, parts of the body, key points, box, depth, normals, camera.

Each function reads a :class:`Renderer` after :meth:`Renderer.look` (or ``render``); sizes are those of the image.
"""

from __future__ import annotations

import weakref

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.person.mesh import Person
from closerlook.synthesis.render.raster import EMPTY, ID_MASK
from closerlook.synthesis.render.renderer import Renderer, View

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
    "parts",
]

Float = NDArray[np.float32]
Bytes = NDArray[np.uint8]

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
INSIDE = 0.16  # metres that a joint lies below the surface that shows it at most
ON_FACE = 0.035  # the same of a point of the face


def mask(renderer: Renderer) -> Float:
    """Coverage of the pixels by the person, 0 to 1, (height, width)."""
    return np.asarray(renderer.colour[0, :, :, 3])


def box(renderer: Renderer) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is seen of the person, pixels; all 0 if nothing is."""
    seen = mask(renderer) > 0.5
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def keypoints(renderer: Renderer) -> Float:
    """(17, 3) the points of KEYPOINTS: x and y in pixels, and COCO's visibility: 0 outside the image, 1 hidden (by the
    person, or by something before the person), 2 seen.

    A joint lies inside the body; it counts as seen if the surface before it is nearer than INSIDE.
    """
    names = renderer.person.skeleton.names
    joints = [renderer.posed.joints[names.index(f"{bone}.{side}")] for bone in _LIMBS.values() for side in "LR"]
    face = [renderer.posed.positions[at].mean(0) for at in _face_of(renderer.person)]
    points = np.array([*face, *joints], np.float32)
    below = np.array([ON_FACE] * len(face) + [INSIDE] * len(joints))
    pixels = renderer.frame.project(points, renderer.size)
    column, row = np.floor(pixels).astype(int).T
    inside = (column >= 0) & (column < renderer.size[1]) & (row >= 0) & (row < renderer.size[0])
    at = (row * inside, column * inside)
    surface = renderer.where[0][at][:, :3]
    hidden_by = (points - surface) @ renderer.frame.forward
    seen = inside & (mask(renderer)[at] > 0.25) & (hidden_by < below)
    return np.concatenate([pixels, (inside * 1 + seen)[:, None]], axis=1).astype(np.float32)


def parts(renderer: Renderer) -> Bytes:
    """(height, width) numbers of PARTS: the part of the body that is seen, whatever it wears."""
    return _of_triangles(renderer, _parts_of(renderer.person))


def clothes(renderer: Renderer) -> Bytes:
    """(height, width) numbers of CLOTHES: what is seen of the person."""
    return _of_triangles(renderer, _clothes_of(renderer.person))


def depth(renderer: Renderer) -> Float:
    """(height, width) metres along the camera's axis to the nearest surface, person or place; infinite for the sky."""
    colour, _, where = (array.numpy() for array in renderer.surfaces)
    ahead = (where[..., :3] - renderer.frame.eye) @ renderer.frame.forward
    metres = np.where(colour[0, :, :, 3] >= 0.5, ahead[0], ahead[1])
    return np.where(metres < 1000.0, metres, np.inf).astype(np.float32)


def normals(renderer: Renderer) -> Float:
    """(height, width, 3) unit normals in the camera's axes: right, up, towards the camera."""
    colour, facing, _ = (array.numpy() for array in renderer.surfaces)
    normal = np.where(colour[0, :, :, 3:] >= 0.5, facing[0, :, :, :3], facing[1, :, :, :3])
    axes = np.stack([renderer.frame.right, renderer.frame.up, -renderer.frame.forward], axis=1)
    return np.asarray(normal @ axes, dtype=np.float32)


def describe(renderer: Renderer, view: View) -> dict[str, object]:
    """The annotations that go into the data set's table: numbers and lists, one value a column.

    ``camera_matrix`` holds 12 numbers, the rows of a 3 x 4 matrix that takes world metres to homogeneous pixels, but
    for the lens's distortion.
    """
    height, width = renderer.size
    to_pixels = np.array([[width / 2, 0, 0, width / 2], [0, -height / 2, 0, height / 2], [0, 0, 0, 1]])
    left, top, right, bottom = box(renderer)
    return {
        "box_left": left,
        "box_top": top,
        "box_right": right,
        "box_bottom": bottom,
        "keypoints": keypoints(renderer).ravel().tolist(),
        "camera_matrix": (to_pixels @ renderer.frame.matrix[[0, 1, 2, 3]]).ravel().tolist(),
        "camera_height": float(view.camera.height),
        "camera_distance": float(view.camera.distance),
        "occlusion": float(view.camera.occlusion),
    }


def _of_triangles(renderer: Renderer, number_of: Bytes) -> Bytes:
    """A number of each triangle as a picture: of the four samples of a pixel the first that shows the person."""
    height, width = renderer.sensor_size
    key = renderer.samples().reshape(height, 2, width, 2)
    picture = np.zeros((height, width), np.uint8)
    for y in (1, 0):
        for x in (1, 0):
            sample = key[:, y, :, x]
            shown = sample < EMPTY.value
            picture[shown] = number_of[sample[shown] & ID_MASK.value]
    rows = (np.arange(renderer.size[0]) * height) // renderer.size[0]
    columns = (np.arange(renderer.size[1]) * width) // renderer.size[1]
    return picture[rows][:, columns] * (mask(renderer) > 0.5)


_known: weakref.WeakKeyDictionary[Person, dict[str, list[NDArray[np.intp]]]] = weakref.WeakKeyDictionary()


def _face_of(person: Person) -> list[NDArray[np.intp]]:
    """For each point of FACE the vertices whose middle it is."""
    if person not in _known:
        _known[person] = {"face": _find_face(person)}
    return _known[person]["face"]


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

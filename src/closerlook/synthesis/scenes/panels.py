"""Places: panels of ground, walls and things, fixed in the world, and those of them that a camera sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float, Int
from closerlook.synthesis.scenes.frames import Frames
from closerlook.synthesis.scenes.kinds import Backdrop
from closerlook.synthesis.scenes.pictures import Picture
from closerlook.synthesis.scenes.textures import PAINTERS, VARIANTS

__all__ = [
    "COLUMNS",
    "MAX_PANELS",
    "TEXTURES",
    "Panels",
    "Place",
    "VisiblePanels",
    "gathered",
    "texture_number",
    "visible_panels",
]


MAX_PANELS = 63  # panels in one view: the renderer keeps a bit for each; places have fewer
TEXTURES = tuple(PAINTERS)
NUMBERS = {name: VARIANTS * i for i, name in enumerate(TEXTURES)}


@dataclass(frozen=True)
class Panels:
    """Textured parallelograms, upright or flat on the ground, n of them; the first is the ground.

    Attributes:
        paint: (n,) numbers of textures; see :func:`texture_number`.
        corner, along, upward: (n, 3) lower left corner and the two edges, meters. For a panel that turns: middle of
            its foot, and (width, 0, 0), negative if mirrored.
        tint: (n, 3) linear factors on the texture's color.
        repeat: (n, 2) times the texture repeats along each edge.
        shift: (n, 2) where in the texture the corner lies.
        cutout: (n,) alpha cuts holes (else it marks what shines after dark).
        turns: (n,) faces the camera wherever it stands.
        front: (n,) is seen before the person too (all else between the camera and the person is cut away). Such
            panels follow the ground.
        roughness: (n,) GGX roughness.
    """

    paint: Int
    corner: Float
    along: Float
    upward: Float
    tint: Float
    repeat: Float
    shift: Float
    cutout: NDArray[np.bool_]
    turns: NDArray[np.bool_]
    front: NDArray[np.bool_]
    roughness: Float

    def __len__(self) -> int:
        return len(self.paint)

    def __getitem__(self, rows: Int | slice) -> Panels:
        return Panels(*(getattr(self, name)[rows] for name in COLUMNS))

    @property
    def texture(self) -> tuple[tuple[str, int], ...]:
        """(n,) names and variants of the textures."""
        return tuple((TEXTURES[number // VARIANTS], number % VARIANTS) for number in self.paint.tolist())


COLUMNS = tuple(column.name for column in fields(Panels))


def texture_number(name: str, variant: int) -> int:
    """Place of a texture among all variants of all textures, in the order of ``textures.PAINTERS``."""
    return NUMBERS[name] + variant


def gathered(panels: Sequence[Panels]) -> Panels:
    """Panels laid end to end."""
    return Panels(*(np.concatenate([getattr(part, name) for part in panels]) for name in COLUMNS))


@dataclass(frozen=True)
class Place:
    """One place in the world around the person.

    Attributes:
        backdrop: its kind.
        panels: the ground, walls and things.
        occluder_spheres: (k, 4) spheres (x, y, z, radius) that darken the ground near things.
        north: degrees that the place is turned against the sun.
        shade, shade_variant: strength and number of the pattern of shadows from afar.
        picture: what is seen of the place in truth; the panels then only say how far away it is.
        lamps: (k, 4) position of street lamps besides the person's, and their power as a share of its.
    """

    backdrop: Backdrop
    panels: Panels = field(repr=False)
    occluder_spheres: Float = field(repr=False)
    north: float
    shade: float
    shade_variant: int
    picture: Picture | None = field(default=None, repr=False)
    lamps: Float = field(default_factory=lambda: np.zeros((0, 4)), repr=False)


@dataclass(frozen=True)
class VisiblePanels:
    """Panels that V cameras see, those of each after those of the one before, things turned to their camera.

    Attributes:
        panels: of all views, n of them; of each view the ground is first, then those before the person.
        view: (n,) whose each is.
        ends: (V + 1,) number of the first panel of each view, and of all panels.
        fronts: (V,) how many are seen before the person, too.
    """

    panels: Panels
    view: Int
    ends: Int
    fronts: Int


def visible_panels(places: Sequence[Place], frames: Frames) -> VisiblePanels:
    """The ground and the panels that can fall into each frame behind the person, one place a frame."""
    panels = gathered([place.panels for place in places])
    view = np.repeat(np.arange(len(places)), [len(place.panels) for place in places])
    right = frames.right.astype(np.float64)
    level = np.sqrt(right[:, 0] ** 2 + right[:, 2] ** 2)[:, None]
    across, turns = (right * [1.0, 0.0, 1.0] / level)[view], panels.turns[:, None]
    along = np.where(turns, panels.along[:, :1] * across, panels.along)
    corner = np.where(turns, panels.corner - along / 2, panels.corner)
    first = frames.along_axes(corner - frames.eye[view], view)
    aside, above = frames.along_axes(along, view), frames.along_axes(panels.upward, view)
    corners = np.stack([first, first + aside, first + aside + above, first + above], axis=1)
    ground = np.flatnonzero(np.diff(view, prepend=-1))
    visible = _in_frame(corners, frames, view, (panels.upward[:, 1] > 0) & ~panels.front)
    visible[ground] = True  # it has no edge
    before = np.cumsum(visible) - 1
    kept = np.flatnonzero(visible & (before - before[ground][view] < MAX_PANELS))
    rest = {name: getattr(panels, name)[kept] for name in COLUMNS} | {"corner": corner[kept], "along": along[kept]}
    ends = np.concatenate([np.searchsorted(kept, ground), [len(kept)]])
    fronts = np.bincount(view[kept], panels.front[kept], len(places)).astype(np.int64)
    return VisiblePanels(Panels(**rest), view[kept], ends, fronts)


def _in_frame(corners: Float, frames: Frames, view: Int, behind: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) which panels may be in their frame; those that must lie ``behind`` the person, if anywhere."""
    right, up, depth = corners
    least_right, least_up, most_right, most_up = frames.bounds()[view].T
    visible = depth.max(0) > np.where(behind, frames.distance[view], 0.0)
    for limit, offset in ((least_right, right), (least_up, up)):
        visible &= (offset >= limit * depth).any(0)
    for limit, offset in ((most_right, right), (most_up, up)):
        visible &= (offset <= limit * depth).any(0)
    return np.asarray(visible)

"""Skin and eyes as textures: tone, lips, brows, beard shadow, age, on MakeHuman's texture layout."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.assets import TEXELS, body_data
from closerlook.synthesis.humans.clothing.palette import Color

__all__ = ["eye_texture", "skin_texture", "wear_on_skin"]


def _bump(distance: Floating, width: float) -> Floating:
    """1 inside ``width``, smoothly 0 beyond 1.6 times as far."""
    return np.asarray(np.clip((1.6 - distance / width) / 0.6, 0, 1), np.float32)


@functools.cache
def _features() -> dict[str, tuple[tuple[NDArray[np.intp], ...], Floating]]:
    """The texels of each feature of the face and how strongly they show it, (n, 1).

    Places are those of the neutral MakeHuman head, meters.
    """
    texels = body_data().texels
    outside = ~np.isfinite(texels[..., 0])
    x, y, z = np.nan_to_num(np.moveaxis(texels, -1, 0), nan=-9.0)
    side = np.abs(x)
    front = (z > 0.09) & (y > 0.55)
    arch = 0.7525 + 0.0028 * np.sin(np.clip((side - 0.010) / 0.038, 0, 1) * np.pi * 0.75)
    brow = _bump(np.hypot((side - 0.031) / 6.0, y - arch), 0.0030) * front
    lips = _bump(np.hypot(x / 2.1, y - 0.6605), 0.0105) * (z > 0.13) * (y < 0.7)
    eyes = _bump(np.hypot((side - 0.031) / 1.6, y - 0.728), 0.012) * front
    cheeks = _bump(np.hypot(side - 0.042, y - 0.695), 0.018) * front
    jaw = np.clip((0.688 - y - 0.9 * np.clip(side - 0.055, 0, 1)) / 0.01, 0, 1) * (y > 0.585) * (z > 0.045)
    moustache = _bump(np.hypot(x / 2.6, y - 0.678), 0.0065) * front
    beard = np.maximum(jaw, moustache) * (1 - _bump(np.hypot(x / 2.1, y - 0.6605), 0.011))
    parting = _bump(np.hypot(x / 12, y - 0.6605), 0.0016) * (z > 0.13) * (side < 0.026)
    nostrils = _bump(np.hypot(side - 0.0085, (y - 0.6865)), 0.0045) * (z > 0.14)
    from_eye = np.hypot((side - 0.0315) / 1.25, y - 0.7265)
    bridge = (np.abs(y - 0.733) < 0.0025) * (side < 0.014)
    head = (y > 0.6) * (side < 0.1)
    masks = {
        "brow": brow,
        "lips": lips,
        "eyes": eyes,
        "cheeks": cheeks,
        "beard": beard,
        "dark": np.maximum(parting, 0.8 * nostrils),
        "frames": np.maximum(np.abs(from_eye - 0.0185) < 0.002, bridge) * (z > 0.085) * (y > 0.7),
        "shades": np.maximum(from_eye < 0.0195, bridge) * (z > 0.085) * (y > 0.7),
        "hollow": head * np.clip((0.62 - y) / 0.02, 0, 1),
    }
    smooth = {name: gaussian_filter(np.asarray(mask * ~outside, np.float32), 0.7) for name, mask in masks.items()}
    places = {name: np.nonzero(mask > 0.004) for name, mask in smooth.items()}
    return {name: (place, smooth[name][place][:, None]) for name, place in places.items()}


@functools.cache
def _grain() -> tuple[Floating, Floating]:
    """Blotches and fine grain of standard deviation 1, made once and shifted for each person."""
    rng = np.random.default_rng(11)
    fine = rng.standard_normal((TEXELS, TEXELS))
    blotches = gaussian_filter(fine, 9, mode="wrap")
    return (blotches / blotches.std()).astype(np.float32), fine.astype(np.float32)


def skin_texture(
    rng: np.random.Generator, tone: Color, hair: Color, *, years: float, female: bool, beard: float, glasses: str
) -> NDArray[np.uint8]:
    """(512, 512, 4) skin: ``beard`` is 0 shaven, 0.4 stubble, 1 a full beard; ``glasses`` none, glasses, sunglasses."""
    base, dark = np.array(tone, np.float32), np.array(hair, np.float32)
    shift = tuple(int(n) for n in rng.integers(TEXELS, size=2))
    blotches, grain = (np.roll(noise, shift, (0, 1)) for noise in _grain())
    wrinkle = np.float32(0.012 + 0.02 * np.clip((years - 45) / 40, 0, 1))
    skin = (1 + np.float32(0.013) * blotches + wrinkle * grain)[..., None] * base

    def blend(name: str, color: Floating, strength: float) -> None:
        place, mask = _features()[name]
        skin[place] += strength * mask * (color - skin[place])

    blend("cheeks", base * (1.06, 0.9, 0.88), 0.5)
    blend("eyes", base * 0.62, 0.55)
    blend("lips", base * ((0.93, 0.55, 0.56) if female else (0.86, 0.66, 0.63)), 0.85)
    blend("dark", base * 0.3, 0.8)
    blend("hollow", base * 0.82, 0.6)
    blend("brow", np.minimum(dark * 0.7, 0.4), 0.75 if female else 0.9)
    if beard > 0:
        rough = grain[_features()["beard"][0]][:, None]
        blend("beard", dark * (0.85 + 0.15 * rough), min(0.92, beard))
    if glasses != "none":
        blend("frames" if glasses == "glasses" else "shades", np.full(3, 0.05, np.float32), 0.92)
    texture = np.full((TEXELS, TEXELS, 4), 255, np.uint8)
    texture[..., :3] = np.clip(skin * 255, 0, 255)
    return texture


def eye_texture(rng: np.random.Generator, ancestry: str, *, hidden: bool) -> NDArray[np.uint8]:
    """(32, 32, 4) an eyeball seen from the front: white, iris, pupil; black behind sunglasses."""
    light = ancestry == "caucasian" and rng.random() < 0.5
    iris = np.array((0.3, 0.4, 0.45) if light else (0.2, 0.12, 0.08))
    y, x = (np.mgrid[:32, :32] + 0.5) / 32 - 0.5
    radius = np.hypot(x, y)[..., None]
    color = np.where(radius < 0.11, 0.03, np.where(radius < 0.26, iris, (0.74, 0.71, 0.69)))
    color = color * np.clip(0.75 + 1.5 * y, 0.35, 1)[..., None]  # the upper lid's shadow
    texture = np.full((32, 32, 4), 255, np.uint8)
    texture[..., :3] = color * (0.05 if hidden else 1.0) * 255
    return texture


def wear_on_skin(texture: NDArray[np.uint8], kind: str, color: Color) -> None:
    """Paint ``gloves``, ``socks`` or ``tights``, which are as thin as the skin, onto its texture."""
    place, shade = _covered(kind)
    light = texture[place][:, :3] @ np.array([0.3, 0.59, 0.11])
    relative = 1 + 0.5 * (light / light.mean() - 1)
    texture[place[0], place[1], :3] = np.clip(np.array(color) * (relative * shade)[:, None] * 255, 3, 255)


@functools.cache
def _covered(kind: str) -> tuple[tuple[NDArray[np.intp], ...], Floating]:
    """The texels that a thin garment covers and how light each is: ribs and edges are darker."""
    data = body_data()
    x, y, _ = np.nan_to_num(np.moveaxis(data.texels.astype(np.float32), -1, 0))

    def head(bone: str) -> Floating:
        return np.asarray(data.heads[data.bone_names.index(bone)])

    if kind == "gloves":
        wrist, elbow = head("wrist.L"), head("lowerarm01.L")
        axis = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        beyond = (np.abs(x) - wrist[0]) * axis[0] + (y - wrist[1]) * axis[1] + 0.035
        beyond = np.where(np.abs(x) > elbow[0], beyond, -1.0)  # legs are beyond the wrist's plane as well
    elif kind == "tights":
        beyond = head("upperleg01.L")[1] - y
    else:
        beyond = head("foot.L")[1] + 0.10 - y
    place = np.nonzero((beyond > 0) & np.isfinite(data.texels[..., 0]))
    return place, np.where(beyond[place] < 0.012, 0.8, 1.0).astype(np.float32)

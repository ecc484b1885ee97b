"""What surfaces mirror of the sky, inside kernels: look-ups in the tables of scenes.gloss, which says how they work.

Sources: Karis, "Physically Based Shading on Mobile" (2014), after Lazarov, for the share that they mirror; Lagarde and
de Rousiers, "Moving Frostbite to PBR" (2014) for the direction that they mirror most from.
"""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.synthesis.scenes.gloss import HEIGHTS, LEVELS

WATER_ROUGH = wp.constant(0.22)  # of puddles in wind and rain
STEPS = wp.constant(float(LEVELS))
DULL = wp.constant(0.75)  # roughness from which on a lobe is about as wide as the cosine's
LAST_LEVEL = wp.constant(LEVELS - 1)
LAST_HEIGHT = wp.constant(HEIGHTS - 1)


@wp.func
def level_of(roughness: float) -> int:
    """The level of scenes.gloss that holds lobes of this roughness."""
    return wp.clamp(int(roughness * STEPS), 0, LAST_LEVEL)


@wp.func
def mirrored_share(roughness: float, cos: float) -> float:
    """Share of an even sky that a surface mirrors, seen at this cosine to its normal: a fit for Fresnel 0.04."""
    x = 1.0 - roughness
    return wp.min(x * x, wp.exp(-6.4324 * cos)) * x + 0.0425 - 0.0275 * roughness


@wp.func
def middle_of_lobe(n: wp.vec3, to_eye: wp.vec3, cos: float, roughness: float) -> wp.vec3:
    """Where most of what a surface mirrors comes from: the rougher, the nearer to its normal."""
    alpha = roughness * roughness
    share = (1.0 - alpha) * (wp.sqrt(1.0 - alpha) + alpha)
    mirror = n * (2.0 * cos) - to_eye
    return wp.normalize(n + (mirror - n) * share)


@wp.func
def open_sky(skyline: wp.array2d(dtype=wp.vec2), level: int, height: float) -> wp.vec2:
    """Share of open sky, and light of the overcast sky, in a lobe towards this height."""
    at = (height + 1.0) * 0.5 * float(LAST_HEIGHT)
    i = wp.clamp(int(at), 0, LAST_HEIGHT - 1)
    share = at - float(i)
    return skyline[level, i] * (1.0 - share) + skyline[level, i + 1] * share


@wp.func
def wet_lobe(n: wp.vec3, to_eye: wp.vec3) -> wp.vec4:
    """The middle of what water on a surface mirrors, and the level of its roughness."""
    v = wp.normalize(to_eye)
    m = middle_of_lobe(n, v, wp.max(wp.dot(n, v), 0.02), WATER_ROUGH)
    return wp.vec4(m[0], m[1], m[2], float(level_of(WATER_ROUGH)))


@wp.func
def mirrored(gloss: wp.array2d(dtype=wp.vec3), light: int, sunward: wp.vec2, lobe: wp.vec4) -> wp.vec3:
    """Radiance of the clear sky in a lobe: bilinear within the level of its roughness."""
    level = int(lobe[3])
    side = wp.where(level < 2, 32, wp.where(level < 4, 16, 8))
    start = wp.where(level < 2, level * 1024, wp.where(level < 4, 1536 + level * 256, 2304 + level * 64))
    y = lobe[1]
    ahead = lobe[0] * sunward[0] + lobe[2] * sunward[1]
    aside = lobe[0] * sunward[1] - lobe[2] * sunward[0]
    half = 0.5 * float(side)
    scale = half / (wp.abs(ahead) + wp.abs(y) + wp.abs(aside))
    limit = float(side) - 1.001
    s = wp.min(wp.max((ahead + y) * scale + half - 0.5, 0.0), limit)
    t = wp.min(wp.max((ahead - y) * scale + half - 0.5, 0.0), limit)
    i = int(s)
    j = int(t)
    fs = s - float(i)
    ft = t - float(j)
    at = start + j * side + i
    upper = gloss[light, at] * (1.0 - fs) + gloss[light, at + 1] * fs
    lower = gloss[light, at + side] * (1.0 - fs) + gloss[light, at + side + 1] * fs
    return upper * (1.0 - ft) + lower * ft


@wp.func
def highlight(n: wp.vec3, to_eye: wp.vec3, towards: wp.vec3, rough: float) -> float:
    """GGX (Walter et al. 2007, with Schlick's Fresnel and geometry terms), for light square to the surface."""
    nl = wp.max(wp.dot(n, towards), 0.0)
    nv = wp.max(wp.dot(n, to_eye), 0.02)
    h = wp.normalize(to_eye + towards)
    nh = wp.max(wp.dot(n, h), 0.0)
    alpha = rough * rough
    alpha2 = alpha * alpha
    k = (rough + 1.0) * (rough + 1.0) * 0.125
    d = nh * nh * (alpha2 - 1.0) + 1.0
    geometry = 1.0 / ((nl * (1.0 - k) + k) * (nv * (1.0 - k) + k) * 4.0)
    t = 1.0 - wp.max(wp.dot(to_eye, h), 0.0)
    t2 = t * t
    return alpha2 / (d * d) * geometry * (0.04 + 0.96 * t2 * t2 * t)

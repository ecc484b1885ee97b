"""What surfaces mirror of the sky against the integral of their reflectance over it."""

# Warp types kernels, not Python:
# mypy: disable-error-code="valid-type"

import numpy as np
import pytest
import warp as wp

from closerlook.synthesis.rendering.light import specular
from closerlook.synthesis.scenes import gloss
from closerlook.synthesis.scenes.sky import (
    ILLUMINATIONS,
    declination,
    harmonics,
    sky_light,
    sky_radiance,
    sun_position,
)

HOUR = ILLUMINATIONS["forenoon"]


@wp.kernel
def look_up(
    tables: wp.array2d(dtype=wp.vec3),
    skyline: wp.array2d(dtype=wp.vec2),
    sunward: wp.vec2,
    normals: wp.array(dtype=wp.vec3),
    eyes: wp.array(dtype=wp.vec3),
    rough: float,
    sky: wp.array(dtype=wp.vec3),
    seen: wp.array(dtype=wp.vec2),
    share: wp.array(dtype=float),
):
    i = wp.tid()
    cos = wp.dot(normals[i], eyes[i])
    m = specular.middle_of_lobe(normals[i], eyes[i], cos, rough)
    level = specular.level_of(rough)
    sky[i] = specular.mirrored(tables, 0, sunward, wp.vec4(m[0], m[1], m[2], float(level)))
    seen[i] = specular.open_sky(skyline, level, m[1])
    share[i] = specular.mirrored_share(rough, cos)


def by_kernel(normals, eyes, rough):
    """Mirrored sky (n, 3), seen sky (n, 2) and mirrored share (n,)."""
    light, count = sky_light(HOUR), len(normals)
    out = [wp.zeros(count, dtype=kind, device="cpu") for kind in (wp.vec3, wp.vec2, wp.float32)]
    tables = wp.array(light.gloss[None], dtype=wp.vec3, device="cpu")
    skyline = wp.array(gloss.skyline(), dtype=wp.vec2, device="cpu")
    where = [wp.array(rows.astype(np.float32), dtype=wp.vec3, device="cpu") for rows in (normals, eyes)]
    inputs = [tables, skyline, wp.vec2(*light.sunward[[0, 2]]), *where, rough, *out]
    wp.launch(look_up, dim=count, inputs=inputs, device="cpu")
    return [array.numpy().astype(float) for array in out]


def surfaces(count=60):
    """Normals and directions to the eye, at most 72 degrees apart."""
    rng = np.random.default_rng(3)
    normals, eyes = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in rng.normal(size=(2, 40 * count, 3)))
    kept = np.flatnonzero(((normals * eyes).sum(1) > 0.3) & (normals[:, 1] > -0.5))[:count]
    return normals[kept], eyes[kept]


def sphere(count):
    y = 1 - (np.arange(count) + 0.5) * 2 / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    ring = np.sqrt(1 - y * y)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=1)


def clear_sky(towards):
    """Radiance of the sky above and between the surroundings, before what the low sun changes."""
    elevation, _ = sun_position(HOUR.hour, HOUR.latitude, declination(HOUR.day))
    light = sky_light(HOUR)
    assert elevation > 10 and not light.lamp  # nothing changes
    return sky_radiance(towards, light.direction, HOUR.turbidity) * gloss.open_share(towards[:, 1:2])


def brute_force(normal, eye, rough, towards, radiance):
    """The integral of GGX (Smith's geometry as Schlick fits it, Schlick's Fresnel for 0.04) times radiance."""
    half = towards + eye
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
    n_l, n_v = np.maximum(towards @ normal, 0), normal @ eye
    n_h, v_h = half @ normal, half @ eye
    alpha, k = rough**2, rough**2 / 2
    spread = alpha**2 / (np.pi * (n_h**2 * (alpha**2 - 1) + 1) ** 2)
    seen = 1 / ((n_l * (1 - k) + k) * (n_v * (1 - k) + k))
    weight = spread * seen / 4 * n_l * (0.04 + 0.96 * (1 - v_h) ** 5)
    return weight @ radiance * 4 * np.pi / len(towards)


def off(found, exact):
    """Mean error as a share of the mean, and how much too bright all is."""
    return np.abs(found - exact).sum() / exact.sum(), found.sum() / exact.sum() - 1


@pytest.fixture(scope="module")
def sky():
    towards = sphere(60_000)
    return towards, clear_sky(towards)


def exact_gloss(normals, eyes, rough, sky):
    return np.array([brute_force(n, v, rough, *sky) for n, v in zip(normals, eyes, strict=True)])


@pytest.mark.parametrize("rough", [0.2, 0.22, 0.35, 0.55, 0.7])
def test_gloss_is_the_integral_of_ggx_over_the_clear_sky(rough, sky):
    normals, eyes = surfaces()
    exact = exact_gloss(normals, eyes, rough, sky)
    found, _, share = by_kernel(normals, eyes, rough)
    error, bias = off(found * share[:, None], exact)
    print(f"roughness {rough}: error {error:.3f}, bias {bias:+.3f}")
    assert error < 0.16 and abs(bias) < 0.07
    lit = np.maximum(harmonics(normals) @ sky_light(HOUR).sky, 0) * (1 - gloss.HIDDEN) / np.pi
    assert off(lit * share[:, None], exact)[0] > 2.5 * error  # what irradiance would say instead


@pytest.mark.parametrize("rough", [0.8, 0.95])
def test_what_is_dull_mirrors_about_what_lights_it(rough, sky):
    normals, eyes = surfaces()
    _, _, share = by_kernel(normals, eyes, rough)
    lit = np.maximum(harmonics(normals) @ sky_light(HOUR).sky, 0) * (1 - gloss.HIDDEN) / np.pi
    error, bias = off(lit * share[:, None], exact_gloss(normals, eyes, rough, sky))
    assert error < 0.32 and abs(bias) < 0.2


@pytest.mark.parametrize("rough", [0.22, 0.55, 0.9])
def test_the_overcast_sky_between_the_surroundings_is_mirrored_as_ggx_says(rough, sky):
    normals, eyes = surfaces()
    height = sky[0][:, 1:2]
    seen = gloss.open_share(height)
    both = np.concatenate([seen, seen * (1 + 2 * height) * 3 / 7], axis=1)
    _, found, share = by_kernel(normals, eyes, rough)
    error, bias = off(found * share[:, None], exact_gloss(normals, eyes, rough, (sky[0], both)))
    assert error < 0.16 and abs(bias) < 0.1


def test_an_even_sky_is_mirrored_evenly_but_for_what_hides_it():
    even = gloss.prefiltered(np.ones((len(gloss.directions()), 3)))
    assert even.shape == (gloss.TEXELS, 3) and even.min() >= 0 and even.max() <= 1.001
    shares = gloss.skyline()[..., 0]
    assert np.allclose(shares[:, -1], 1, atol=0.35) and (np.diff(shares, axis=1) > -1e-6).all()
    assert (shares[:, 0] < 0.05).all()
    up = sphere(100_000)
    up = up[up[:, 1] > 0]
    assert gloss.open_share(up[:, 1]) @ up[:, 1] / up[:, 1].sum() == pytest.approx(1 - gloss.HIDDEN, abs=1e-3)

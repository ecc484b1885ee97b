"""The 49-way relighting against a shader that is written again, in numpy, for one light at a time."""

from dataclasses import replace

import numpy as np
import pytest

from closerlook.attributes import ILLUMINATIONS as TIMES, WEATHERS as SKIES
from closerlook.synthesis.humans.mesh.mesh import Material
from closerlook.synthesis.rendering.light.beams import shadow_matrices, turned_skies
from closerlook.synthesis.rendering.renderer import ImageRequest, View
from closerlook.synthesis.rendering.surfaces.panels import ground_albedos
from closerlook.synthesis.rendering.surfaces.textures import library
from closerlook.synthesis.scenes.camera import Camera, Crop
from closerlook.synthesis.scenes.gloss import HEIGHTS, HIDDEN, LEVELS, SIDES, skyline
from closerlook.synthesis.scenes.lighting import lighting, turned
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS, harmonics, sky_light
from closerlook.synthesis.scenes.weather import WEATHERS
from synthesis.rendering.conftest import Studio, person_of, place_of, plain

SIZE = (64, 32)
FIRST = np.zeros(1, np.int64)
CAMERA = Camera(viewpoint=70, distance=6, height=3, crop=Crop(1.4))


@pytest.fixture(scope="module")
def renderer(block):
    return Studio(SIZE, *block)


def fresnel(cos):
    return 0.04 + 0.96 * (1 - cos) ** 5


def visibility(renderer, view, illumination, points):
    """3 x 3 percentage-closer filtering, tap by tap: bilinear comparison at nine texels."""
    light = sky_light(illumination)
    depth = renderer.renderer.shadow_map([ILLUMINATIONS[time] for time in TIMES].index(illumination))
    side = len(depth)
    towards = turned(light.direction, view.place.north)
    matrix = shadow_matrices(towards[None], np.array([light.lamp]))[0].astype(float)
    q = np.concatenate([points, np.ones_like(points[..., :1])], -1) @ matrix.T
    q = q[..., :3] / q[..., 3:]
    u, v, z = (q[..., 0] / 2 + 0.5) * side - 0.5, (0.5 - q[..., 1] / 2) * side - 0.5, q[..., 2] / 2 + 0.5 - 0.0015
    inside = (u >= 2) & (v >= 2) & (u <= side - 4) & (v <= side - 4)
    u, v = np.clip(u, 2, side - 4), np.clip(v, 2, side - 4)
    iu, iv = u.astype(int), v.astype(int)
    fu, fv = u - iu, v - iv
    total = np.zeros_like(u)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            for by, wy in ((0, 1 - fv), (1, fv)):
                for bx, wx in ((0, 1 - fu), (1, fu)):
                    total += wy * wx * (depth[iv + dy + by, iu + dx + bx] >= z)
    return np.where(inside, total / 9, 1.0)


def smoothstep(low, high, x):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def grain_at(u, v):
    """Bilinear values, 0 to 1, of the repeating tile of noise."""
    tile = library().grain.astype(np.float64) / 255
    iu, iv = np.floor(u).astype(int), np.floor(v).astype(int)
    fu, fv = u - iu, v - iv
    total = 0.0
    for dy, wy in ((0, 1 - fv), (1, fv)):
        for dx, wx in ((0, 1 - fu), (1, fu)):
            total = total + wy * wx * tile[(iv + dy) % 256, (iu + dx) % 256]
    return total


def snow_on(position, normal, cover):
    """(2, h, w, 1) share of the surfaces of both layers that lies under snow."""
    x, y, z = np.moveaxis(position, -1, 0)
    patch = 0.7 * grain_at(x * 23 + y * 7, z * 23) + 0.3 * grain_at(x * 110, z * 110 + y * 71)
    amount = smoothstep(1 - cover, 1.35 - cover, 0.65 * patch + 0.35 * normal[..., 1])
    person = 0.6 * smoothstep(0.45, 1.05, normal[..., 1]) * np.minimum(amount, cover)
    flat = smoothstep(0.3, 0.8, normal[..., 1])
    place = 0.96 * flat * amount + 0.12 * cover * (1 - flat) * amount
    return np.stack([person[0], place[1]])[..., None]


def mirrored(normal, to_eye, n_v, rough, light, north):
    """Clear sky and (open, overcast) sky in the lobes of surfaces, from the tables of scene.gloss."""
    alpha = rough**2
    lobe = normal + ((2 * n_v) * normal - to_eye - normal) * (1 - alpha) * (np.sqrt(1 - alpha) + alpha)
    lobe /= np.linalg.norm(lobe, axis=-1, keepdims=True)
    lobe = np.where(rough < 0.75, lobe, normal)  # what is dull mirrors about what lights it
    level = np.clip((rough[..., 0] * LEVELS).astype(int), 0, LEVELS - 1)
    high = (lobe[..., 1] + 1) / 2 * (HEIGHTS - 1)
    i = np.clip(high.astype(int), 0, HEIGHTS - 2)
    share = (high - i)[..., None]
    open_sky = skyline()[level, i] * (1 - share) + skyline()[level, i + 1] * share
    sunward = turned(light.sunward, north)
    ahead = lobe @ sunward
    aside = np.abs(lobe @ np.cross(sunward, [0, 1, 0]))
    size = np.abs(ahead) + np.abs(lobe[..., 1]) + aside
    sides, starts = np.array(SIDES), np.cumsum([0, *(side**2 for side in SIDES)])
    side = sides[level]
    s, t = (np.clip(((ahead + sign * lobe[..., 1]) / size + 1) / 2 * side - 0.5, 0, side - 1.001) for sign in (1, -1))
    i, j = s.astype(int), t.astype(int)
    total = 0.0
    for dj, wj in ((0, 1 - (t - j)), (1, t - j)):
        for di, wi in ((0, 1 - (s - i)), (1, s - i)):
            total = total + (wi * wj)[..., None] * light.gloss[starts[level] + (j + dj) * side + i + di]
    return total, open_sky


def shade_fully(renderer, view, weather, illumination):
    """One weather and time of day by the plain formulas, from the renderer's surfaces; no flakes, no noise, dry."""
    gbuffer = renderer.gbuffer
    color, facing, where = (array.astype(np.float64) for array in (gbuffer.color, gbuffer.facing, gbuffer.where))
    shown = gbuffer.open_sky.astype(np.float64)[..., None]
    light = lighting([(weather, illumination)], FIRST, FIRST, ground_albedos([view.place]), [view.sensor])
    albedo, share = color[..., :3], color[..., 3:]
    normal, rough = facing[..., :3], facing[..., 3:]
    position = where[..., :3]
    ground = (normal[1, ..., 1] > 0.9) & (position[1, ..., 1] < 0.05) & (share[1, ..., 0] > 0)
    albedo[1][ground] *= 0.7 + 0.6 * grain_at(*(9 * position[1][ground][:, [0, 2]]).T)[:, None]
    to_eye = gbuffer.frame.eye - position
    distance = np.linalg.norm(to_eye, axis=-1, keepdims=True)
    to_eye /= distance
    towards = np.broadcast_to(turned(sky_light(illumination).direction, view.place.north), position.shape)
    fall = 1.0
    if sky_light(illumination).lamp:
        lamp = towards[0, 0, 0] * 5.5 + [0, 0.9, 0]
        towards = lamp - position
        squared = (towards**2).sum(-1, keepdims=True)
        towards, fall = towards / np.sqrt(squared), 5.5**2 / squared
        fall = fall * smoothstep(0.35, 0.8, towards[..., 1:2])  # a shade

    def dot(a, b):
        return (a * b).sum(-1, keepdims=True)

    n_l = np.maximum(dot(normal, towards), 0)
    passes = visibility(renderer, view, illumination, position + normal * 0.015)
    beam = n_l * fall * passes[..., None]
    half = towards + to_eye
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    n_v, n_h, v_h = (
        np.maximum(dot(normal, to_eye), 0.02),
        np.maximum(dot(normal, half), 0),
        np.maximum(dot(to_eye, half), 0),
    )
    alpha2, k = rough**4, (rough + 1) ** 2 / 8
    spread = alpha2 / (n_h**2 * (alpha2 - 1) + 1) ** 2
    shine = beam * spread * fresnel(v_h) / (4 * (n_l * (1 - k) + k) * (n_v * (1 - k) + k))
    sky = turned_skies(sky_light(illumination).sky[None], np.array([view.place.north]))[0]
    around, open_sky = mirrored(normal, to_eye, n_v, rough, sky_light(illumination), view.place.north)
    x = 1 - rough
    rim = (np.minimum(x * x, np.exp2(-9.28 * n_v)) * x + 0.0425 - 0.0275 * rough) * shown

    def from_sky(direction):
        return np.maximum(harmonics(direction.reshape(-1, 3)) @ sky, 0).reshape(direction.shape)

    height = normal[..., 1:2]
    dome = np.maximum(0.396 + 0.5 * height + 0.104 * height**2, 0) * shown
    falling = light.sun[0] * beam + light.sky[0] * from_sky(normal) * shown + light.cloud[0] * dome
    falling = falling + light.bounce[0] * (0.5 - 0.5 * height) * shown + light.glow[0] * shown
    around = (
        np.where(rough * LEVELS < 6, around * np.pi / (1 - HIDDEN), from_sky(normal)) * light.sky[0] + light.glow[0]
    )
    around = around + open_sky[..., 1:] * light.cloud[0] + (1 - open_sky[..., :1]) * light.bounce[0]
    mirrors = light.sun[0] * shine + around * rim
    if weather.snow_cover > 0:
        covered = snow_on(position, normal, weather.snow_cover)
        albedo = albedo + covered * (0.85 - albedo)
        mirrors = mirrors * (1 - covered)
    out = albedo * falling + light.windows[0] * where[..., 3:] + mirrors
    clear = np.exp(-weather.extinction * distance)
    out = np.where(share > 0, out * clear + light.fog[0] * (1 - clear), 0)
    total = (out * share).sum(0)
    bent = np.where(total < 0.5, total, 1 - 0.5 * np.exp(1 - 2 * np.clip(total, 0, 4)))  # a clean sensor's knee
    return bent ** (1 / 2.2) * 255


@pytest.mark.parametrize("weather", SKIES)
def test_all_lights_in_one_pass_are_each_light_by_itself(renderer, weather):
    """Without what is random of each image: flakes. Half a code value is lost by rounding and a twentieth in the table
    of the tone curve: how many pixels that rounds the other way depends on where plain surfaces happen to lie."""
    calm = {sky: replace(WEATHERS[sky], flakes=0.0) for sky in SKIES}
    view = View(CAMERA, place_of([(4, -10, 10, "brick_wall")], north=33.0), Sensor())
    requests = [ImageRequest(calm[sky], ILLUMINATIONS[time], 0) for sky in SKIES for time in TIMES]
    images = renderer.render(view, requests).reshape(7, 7, *SIZE, 3)
    for i, time in enumerate(TIMES):
        wanted = shade_fully(renderer, view, calm[weather], ILLUMINATIONS[time])
        assert np.abs(images[SKIES.index(weather), i] - wanted).max() < 0.6, time


def test_what_the_sun_does_not_reach_is_alike_whether_its_shadow_was_cast(renderer):
    """Where no weather lets the sun through there is no shadow map."""
    view = View(CAMERA, place_of([(4, -10, 10, "brick_wall")], north=33.0), Sensor())
    foggy, sunny = ImageRequest.from_names("foggy", "noon"), ImageRequest.from_names("sunny", "noon")
    alone = renderer.render(view, [foggy])[0]
    both = renderer.render(view, [foggy, sunny])
    assert np.array_equal(alone, both[0])
    assert np.array_equal(renderer.render(view, [sunny])[0], both[1])


def test_an_image_is_the_same_alone_and_among_others(renderer):
    view = View(CAMERA, place_of([(4, -10, 10, "glass")]), Sensor(noise=2.0))
    requests = [ImageRequest.from_names(sky, time, key=hash_of(sky, time)) for sky in SKIES for time in TIMES]
    together = renderer.render(view, requests)
    for i in (0, 3, 24, 38, 48):
        assert np.array_equal(renderer.render(view, [requests[i]])[0], together[i])
    back = renderer.render(view, requests[::-1])[::-1]
    assert np.array_equal(back, together)


def hash_of(sky, time):
    return SKIES.index(sky) * 1000003 + TIMES.index(time) * 7919


def luminance(image):
    return image.astype(float) @ [0.299, 0.587, 0.114]


def test_day_is_brighter_than_night_in_every_weather(renderer):
    view = View(CAMERA, place_of([(4, -10, 10, "plaster")]), Sensor())
    images = renderer.render(view, [ImageRequest.from_names(sky, time) for sky in SKIES for time in TIMES])
    level = luminance(images).mean((1, 2)).reshape(7, 7)
    day, night = level[:, 2:5], level[:, [0, 6]]
    assert (night.max(1) < 0.85 * day.min(1)).all()
    assert night.min() > 15


def test_the_sun_throws_the_persons_shadow_where_geometry_says(renderer, open_place):
    camera = Camera(viewpoint=90, distance=7, height=6, crop=Crop(2.2))
    view = View(camera, open_place, Sensor())
    towards = turned(sky_light(ILLUMINATIONS["afternoon"]).direction, open_place.north)
    sunny, overcast = renderer.render(
        view, [ImageRequest.from_names("sunny", "afternoon"), ImageRequest.from_names("overcast", "afternoon")]
    )
    hips = np.array([0.0, 0.5, 0.0])
    shadow = hips - towards * hips[1] / towards[1]
    opposite = shadow * [-1, 1, -1]
    (sx, sy), (ox, oy) = renderer.frame.project(np.array([shadow, opposite], np.float32), SIZE).astype(int)
    assert renderer.cover[sy, sx] == renderer.cover[oy, ox] == 0
    ratio = luminance(sunny) / luminance(overcast)
    assert ratio[sy, sx] < 0.75 * ratio[oy, ox]


def test_the_ground_darkens_under_the_feet(renderer, open_place):
    shown = renderer.rasterize(View(Camera(viewpoint=90, distance=7, height=6, crop=Crop(2.0)), open_place, Sensor()))
    feet = np.array([[0.3, 0, 0.1], [2.0, 0, 0.1]], np.float32)
    (nx, ny), (fx, fy) = renderer.frame.project(feet, SIZE).astype(int)
    visibility = shown.open_sky[1]
    assert visibility[ny, nx] < 0.9
    assert fx >= SIZE[1] or visibility[fy, fx] > 0.95


def test_creases_darken_without_a_pattern(open_place):
    """An inner corner is dark along its length, and alike from pixel to pixel although each has taps of its own."""
    x, z, height = [-0.4, 0.0, 0.4], [0.4, 0.0, 0.4], 1.7
    corners = [[a, y, c] for a, c in zip(x, z, strict=True) for y in (0.0, height)]
    triangles = [[0, 2, 1], [1, 2, 3], [2, 4, 3], [3, 4, 5]]
    person, posed = person_of(corners, triangles, [Material("upper", plain((150, 150, 150)), two_sided=True)])
    normals = np.repeat([[0.707, 0, 0.707], [0, 0, 1], [-0.707, 0, 0.707]], 2, axis=0).astype(np.float32)
    made = Studio((128, 64), person, replace(posed, normals=normals))
    gbuffer = made.rasterize(View(Camera(viewpoint=90, distance=7, height=0.9), open_place, Sensor()))
    inside = gbuffer.open_sky[0, 40:90]
    covered = made.cover[40:90].min(0) == 1
    middle = np.flatnonzero(covered).mean().astype(int)
    assert inside[:, middle].mean() < 0.9
    steps = np.abs(np.diff(inside[:, covered], axis=0))
    assert steps.mean() < 0.01


def test_fog_takes_more_contrast_from_the_far_than_from_the_near(renderer):
    kept = []
    for distance in (2.0, 30.0):
        view = View(Camera(90, 7, 2.0, crop=Crop(1.6)), place_of([(distance, -60, 60, "shops")]), Sensor())
        clear, foggy = luminance(
            renderer.render(
                view, [ImageRequest.from_names("neutral", "noon"), ImageRequest.from_names("foggy", "noon")]
            )
        )
        upper = (renderer.cover == 0) & (np.arange(SIZE[0])[:, None] < 12)
        kept.append(foggy[upper].std() / clear[upper].std())
    near, far = kept
    assert far < 0.7 * near < 0.7


def test_snow_brightens_what_faces_up_and_hardly_what_stands(renderer):
    view = View(CAMERA, place_of([(3, -20, 20, "concrete")], ground="asphalt"), Sensor(adaptation=0.0))
    bare, snow = (WEATHERS["snowlight"].__class__(0.1, 0.2, 0.4, snow_cover=cover) for cover in (0.0, 1.0))
    noon = ILLUMINATIONS["noon"]
    images = luminance(renderer.render(view, [ImageRequest(bare, noon, 0), ImageRequest(snow, noon, 0)]))
    normal = renderer.gbuffer.facing[1]
    place = renderer.cover == 0
    ground, wall = place & (normal[..., 1] > 0.9), place & (np.abs(normal[..., 1]) < 0.1)
    assert ground.sum() > 50 and wall.sum() > 50
    gain = images[1] - images[0]
    assert gain[ground].mean() > 40
    assert gain[ground].mean() > 2 * gain[wall].mean()


def test_flakes_fall_before_everything_but_leave_the_person_visible(renderer, open_place):
    view = View(CAMERA, open_place, Sensor())
    calm = WEATHERS["blizzard"]
    still = replace(calm, flakes=0.0)
    noon = ILLUMINATIONS["noon"]
    with_flakes, without = renderer.render(
        view, [ImageRequest(calm, noon, 12345), ImageRequest(still, noon, 12345)]
    ).astype(float)
    body = renderer.cover == 1
    changed = np.abs(with_flakes - without).max(-1) > 3
    assert 0.02 < changed[body].mean() < 0.7


def test_a_low_resolution_sensor_blurs_and_keeps_the_mean(renderer):
    place = place_of([(4, -10, 10, "brick_wall")])
    request = [ImageRequest.from_names("neutral", "noon")]
    sharp, soft = (
        luminance(renderer.render(View(CAMERA, place, sensor), request)[0]) for sensor in (Sensor(), Sensor(scale=0.5))
    )
    assert abs(sharp.mean() - soft.mean()) < 3
    assert np.abs(np.diff(soft, axis=0)).mean() < 0.85 * np.abs(np.diff(sharp, axis=0)).mean()


def test_noise_has_the_deviation_asked_for(renderer, open_place):
    request = ImageRequest.from_names("neutral", "noon", key=77)
    quiet, noisy = (
        renderer.render(View(CAMERA, open_place, Sensor(noise=noise)), [request])[0].astype(float)
        for noise in (0.0, 4.0)
    )
    assert 1.0 < (noisy - quiet).std() < 6.0

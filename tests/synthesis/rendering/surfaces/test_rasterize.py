import numpy as np
import pytest
import warp as wp

from closerlook.synthesis.humans.mesh.mesh import Material
from closerlook.synthesis.rendering.surfaces import rasterize
from closerlook.synthesis.rendering.surfaces.textures import library, mip_chain
from closerlook.synthesis.rendering.values import (
    PROJECTION_ROW,
    VIEW_PARAMETERS_ROW,
    Projection,
    Surface,
    ViewParameters,
    texel,
)
from closerlook.synthesis.scenes import textures
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.frames import frame
from synthesis.rendering.conftest import person_of, plain

SIZE = (24, 20)


def brute_force(screen, triangles, culled, height, width):
    """Number of the nearest triangle and its depth at each sample, one sample and triangle at a time."""
    nearest = np.full((height, width), -1)
    depth = np.full((height, width), np.inf)
    for t, (i, j, k) in enumerate(triangles):
        a, b, c = (screen[n].astype(np.float64) for n in (i, j, k))
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area == 0 or (culled[t] and area > 0):
            continue
        for y in range(height):
            for x in range(width):
                px, py = x + 0.5, y + 0.5
                w0 = ((px - b[0]) * (b[1] - c[1]) + (py - b[1]) * (c[0] - b[0])) / area
                w1 = ((px - c[0]) * (c[1] - a[1]) + (py - c[1]) * (a[0] - c[0])) / area
                w2 = 1 - w0 - w1
                if min(w0, w1, w2) >= 0:
                    z = w0 * a[2] + w1 * b[2] + w2 * c[2]
                    if 0 <= z < depth[y, x]:
                        depth[y, x], nearest[y, x] = z, t
    return nearest, depth


def drawn(person, posed, cameras):
    """The nearest triangle at each sample of each view, -1 for none; the vertices on the screens; the frames."""
    (height, width), count = SIZE, len(cameras)
    views = [frame(camera, posed.positions, SIZE) for camera in cameras]
    view_parameters, projections = np.zeros(count, VIEW_PARAMETERS_ROW), np.zeros(count, PROJECTION_ROW)
    view_parameters["height"], view_parameters["width"] = height // 2, width // 2  # pixels, of 2 x 2 samples
    projections["height"], projections["width"] = SIZE
    for name in ("matrix", "window", "distortion"):
        projections[name] = [getattr(view, name) for view in views]
    texture = np.concatenate([mip_chain(material.texture) for material in person.materials])
    surface = Surface()
    surface.log2_side = person.materials[0].texture.shape[0].bit_length() - 1
    surface.cutout, surface.two_sided = int(person.materials[0].cutout), int(person.materials[0].two_sided)
    worn = [
        wp.array(person.triangles, dtype=wp.vec3i),
        wp.array(person.materials_of, dtype=int),
        wp.array([surface], dtype=Surface),
        wp.array(person.uv, dtype=wp.vec2),
        wp.array(texture, dtype=texel),
    ]
    screen = wp.empty((count, len(posed.positions)), dtype=wp.vec4)
    key = wp.full((count, height, width), rasterize.EMPTY, dtype=wp.int64)
    vertices = [wp.array(posed.positions[None], dtype=wp.vec3), wp.array(projections, dtype=Projection)]
    run = 7  # no divisor of anything
    wp.launch(rasterize.project, (count, -(-len(posed.positions) // run)), [*vertices, screen, run])
    inputs = [screen, *worn, wp.array(view_parameters, dtype=ViewParameters), key, run]
    wp.launch(rasterize.rasterize, (count, -(-len(person.triangles) // run)), inputs)
    keys = key.numpy()
    found = np.where(keys < rasterize.EMPTY.value, keys & rasterize.ID_MASK.value, -1)
    return found, screen.numpy(), views


def rasterized(person, posed, camera):
    """As :func:`drawn`, of one view."""
    found, screens, views = drawn(person, posed, [camera])
    return found[0], screens[0], views[0]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("two_sided", [False, True])
def test_the_nearest_triangle_wins_every_sample(seed, two_sided):
    rng = np.random.default_rng(seed)
    positions = rng.uniform([-0.5, 0, -0.5], [0.5, 1.7, 0.5], (60, 3))
    triangles = np.arange(60).reshape(20, 3)
    person, posed = person_of(positions, triangles, [Material("skin", plain((200, 0, 0)), two_sided=two_sided)])
    found, screen, _ = rasterized(person, posed, Camera(viewpoint=50, roll=3))
    wanted, depth = brute_force(screen, triangles, np.full(20, not two_sided), *SIZE)
    assert (wanted >= 0).mean() > 0.1
    different = found != wanted
    # Float32 edges may fall the other way for samples that lie on them; nothing else may.
    assert different.mean() < 0.01, np.argwhere(different)
    assert np.isfinite(depth[~different & (found >= 0)]).all()


def test_projection_agrees_with_the_cameras_own():
    positions = np.random.default_rng(0).uniform([-0.5, 0, -0.5], [0.5, 1.7, 0.5], (30, 3))
    person, posed = person_of(positions, np.arange(30).reshape(10, 3), [Material("skin", plain((200, 0, 0)))])
    _, screen, view = rasterized(person, posed, Camera(viewpoint=200))
    assert np.allclose(screen[:, :2], view.project(posed.positions, SIZE), atol=1e-3)


def test_front_faces_of_a_block_are_kept_and_back_faces_dropped(block):
    person, posed = block
    found, _, view = rasterized(person, posed, Camera(viewpoint=90, height=2.5))
    faces = posed.positions[person.triangles]
    normals = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    visible = np.unique(found[found >= 0])
    assert len(visible) >= 2
    for t in visible:
        assert normals[t] @ (view.eye - faces[t].mean(0)) > 0


def test_holes_in_the_texture_are_holes_in_the_person():
    texture = plain((0, 200, 0))
    texture[:, :8, 3] = 0  # the left half of the texture
    corners = [[-0.4, 0, 0], [0.4, 0, 0], [0.4, 1.7, 0], [-0.4, 1.7, 0]]
    uv = [[0, 1], [1, 1], [1, 0], [0, 0]]
    for cutout, share in ((False, 1.0), (True, 0.5)):
        material = Material("hair", texture, cutout=cutout, two_sided=True)
        person, posed = person_of(corners, [[0, 1, 2], [0, 2, 3]], [material], uv=uv)
        found, _, _ = rasterized(person, posed, Camera(viewpoint=90, height=0.9))
        covered = (found >= 0).sum(1).max()
        full = 20 * 0.8 * 24 / (1.7 * 1.12) / 20
        assert covered == pytest.approx(full * share, abs=1.6)


@pytest.mark.parametrize("two_sided", [False, True])
def test_shadow_maps_hold_the_nearest_depth(two_sided):
    rng = np.random.default_rng(4)
    screens = rng.uniform([-3, -3, 0.1, 1], [23, 23, 0.9, 1], (2, 60, 4)).astype(np.float32)
    triangles = np.arange(60).reshape(20, 3)
    surface = Surface()
    surface.two_sided = int(two_sided)
    worn = [wp.array(triangles, dtype=wp.vec3i), wp.zeros(20, dtype=int), wp.array([surface], dtype=Surface)]

    def cast(screens):
        shadow = wp.full((len(screens), 20, 20), 2.0, dtype=float)
        inputs = [wp.array(screens, dtype=wp.vec4), *worn, shadow, 7]
        wp.launch(rasterize.cast, (len(screens), 3), inputs)
        return shadow.numpy()

    found = cast(screens)
    for k, screen in enumerate(screens):
        _, depth = brute_force(screen, triangles, np.full(20, not two_sided), 20, 20)
        wanted = np.minimum(depth, 2.0)
        assert (wanted < 2.0).mean() > 0.2
        assert (np.abs(found[k] - wanted) > 1e-5).mean() < 0.01
        np.testing.assert_array_equal(cast(screens[k : k + 1])[0], found[k])


def test_a_view_is_drawn_the_same_in_any_batch():
    rng = np.random.default_rng(5)
    person, posed = person_of(
        rng.uniform([-0.5, 0, -0.5], [0.5, 1.7, 0.5], (60, 3)),
        np.arange(60).reshape(20, 3),
        [Material("skin", plain((200, 0, 0)), two_sided=True)],
    )
    cameras = [Camera(viewpoint=angle) for angle in (10, 130, 250)]
    found, screens, _ = drawn(person, posed, cameras)
    for k, camera in enumerate(cameras):
        alone, screen, _ = drawn(person, posed, [camera])
        np.testing.assert_array_equal(screen[0], screens[k])
        np.testing.assert_array_equal(alone[0], found[k])


def test_mips_average_and_keep_the_mean():
    texture = np.random.default_rng(0).integers(0, 256, (16, 16, 4)).astype(np.uint8)
    chain = mip_chain(texture)
    assert len(chain) == 16 * 16 + 8 * 8 + 4 * 4 + 2 * 2 + 1
    first = texture[:2, :2].reshape(4, 4).mean(0)
    assert np.abs(chain[256].astype(float) - first).max() <= 0.5
    assert np.abs(chain[-1].astype(float) - texture.reshape(-1, 4).mean(0)).max() <= 2


@pytest.mark.parametrize("shape", [(12, 12, 4), (16, 8, 4), (16, 16, 3)])
def test_odd_textures_are_refused(shape):
    with pytest.raises(ValueError, match="power of two"):
        mip_chain(np.zeros(shape, np.uint8))


def test_the_library_holds_each_texture_at_its_start():
    shared = library()
    starts = sorted(shared.start.values())
    assert len(set(np.diff(starts))) == 1
    assert starts[-1] + np.diff(starts)[0] == len(shared.texels)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-5], lambda data: data[:-1] + b"\x01"])
def test_a_damaged_library_is_painted_again(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("CLOSERLOOK_CACHE", str(tmp_path))
    monkeypatch.setattr(textures, "VARIANTS", 1)
    monkeypatch.setattr(textures, "PAINTERS", dict([*textures.PAINTERS.items()][:1]))
    whole = library.__wrapped__().texels
    (path,) = tmp_path.rglob("*.safetensors")
    kept = path.read_bytes()
    path.write_bytes(damage(kept))
    np.testing.assert_array_equal(library.__wrapped__().texels, whole)
    assert path.read_bytes() == kept

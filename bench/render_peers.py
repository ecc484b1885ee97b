"""One person drawn by another renderer, again and again: prints images a second. Called by bench/render.py.

    python bench/render_peers.py pygfx scene.npz

Needs numpy, simplejpeg and the renderer named, not closerlook. Camera and person are the same in all of them; one
directional light, a shadow where that is a switch. The colors are close, not equal: this is about speed.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

Scene = dict[str, Any]
Draw = Callable[[], Any]
SECONDS = 5.0


def camera_pose(scene: Scene) -> Any:
    """(4, 4) camera to world, looking along its -z."""
    forward, up = scene["forward"], scene["up"]
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = np.cross(forward, up), up, -forward, scene["eye"]
    return pose


def angle(scene: Scene) -> float:
    """Vertical field of view, degrees."""
    return math.degrees(2 * math.atan(float(scene["half"])))


def pygfx(scene: Scene) -> Draw:
    import pygfx as gfx
    from rendercanvas.offscreen import RenderCanvas

    gfx.renderers.wgpu.enable_wgpu_features("!float32-filterable")  # software drivers do not have it
    height, width = scene["size"]
    canvas = RenderCanvas(size=(int(width), int(height)), pixel_ratio=1)
    renderer = gfx.renderers.WgpuRenderer(canvas)
    colors = np.concatenate([scene["color"], np.ones((len(scene["color"]), 1))], 1).astype(np.float32)
    geometry = gfx.Geometry(
        positions=scene["positions"], indices=scene["triangles"], normals=scene["normals"], colors=colors
    )
    mesh = gfx.Mesh(geometry, gfx.MeshStandardMaterial(color_mode="vertex", roughness=0.85))
    light = gfx.DirectionalLight(intensity=3)
    light.local.position = (3, 6, 4)
    mesh.cast_shadow = mesh.receive_shadow = light.cast_shadow = True
    world = gfx.Scene().add(mesh, light, gfx.AmbientLight(intensity=1))
    camera = gfx.PerspectiveCamera(angle(scene), float(width) / float(height))
    camera.local.matrix = camera_pose(scene)
    canvas.request_draw(lambda: renderer.render(world, camera))
    return lambda: np.ascontiguousarray(np.asarray(canvas.draw())[..., :3])


def pyrender(scene: Scene) -> Draw:
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    np.infty = np.inf  # noqa: NPY201 - its last release is older than NumPy 2
    import pyrender
    import trimesh

    height, width = (int(side) for side in scene["size"])
    mesh = trimesh.Trimesh(scene["positions"], scene["triangles"], vertex_colors=scene["color"], process=False)
    world = pyrender.Scene(ambient_light=[0.3, 0.3, 0.3])
    world.add(pyrender.Mesh.from_trimesh(mesh))
    world.add(
        pyrender.PerspectiveCamera(math.radians(angle(scene)), aspectRatio=width / height), pose=camera_pose(scene)
    )
    world.add(pyrender.DirectionalLight(intensity=3), pose=camera_pose(scene))
    renderer = pyrender.OffscreenRenderer(width, height)
    flags = pyrender.RenderFlags.SHADOWS_DIRECTIONAL
    return lambda: renderer.render(world, flags=flags)[0]


def mitsuba(scene: Scene) -> Draw:
    import mitsuba as mi

    mi.set_variant("scalar_rgb")
    height, width = (int(side) for side in scene["size"])
    mesh = mi.Mesh("person", len(scene["positions"]), len(scene["triangles"]), has_vertex_normals=True)
    values = mi.traverse(mesh)
    values["vertex_positions"] = scene["positions"].astype(np.float32).ravel()
    values["vertex_normals"] = scene["normals"].astype(np.float32).ravel()
    values["faces"] = scene["triangles"].astype(np.uint32).ravel()
    values.update()
    to_world = mi.ScalarTransform4f(camera_pose(scene) @ np.diag([-1.0, 1.0, -1.0, 1.0]))
    film = {"type": "hdrfilm", "width": width, "height": height, "pixel_format": "rgb"}
    world = mi.load_dict(
        {
            "type": "scene",
            "integrator": {"type": "direct"},
            "sensor": {
                "type": "perspective",
                "fov": angle(scene),
                "fov_axis": "y",
                "to_world": to_world,
                "film": film,
                "sampler": {"type": "independent", "sample_count": 4},
            },
            "sun": {"type": "directional", "direction": [-0.4, -0.8, -0.5], "irradiance": 3.0},
            "sky": {"type": "constant", "radiance": 0.3},
            "person": mesh,
        }
    )

    def draw() -> Any:
        image = np.asarray(mi.render(world))
        return (np.clip(image, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)

    return draw


def embree(scene: Scene) -> Draw:
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    height, width = (int(side) for side in scene["size"])
    mesh = trimesh.Trimesh(scene["positions"], scene["triangles"], process=False)
    caster = RayMeshIntersector(mesh)
    rotation = camera_pose(scene)[:3, :3]
    y, x = (np.mgrid[: 2 * height, : 2 * width] + 0.5) / 2
    half = float(scene["half"])
    plane = np.stack([(2 * x / width - 1) * half * width / height, (1 - 2 * y / height) * half, -np.ones_like(x)], -1)
    rays = plane.reshape(-1, 3) @ rotation.T
    eyes = np.broadcast_to(scene["eye"], rays.shape)
    sun = np.array([0.4, 0.8, 0.5]) / math.sqrt(0.4**2 + 0.8**2 + 0.5**2)
    color = scene["color"][scene["triangles"]].mean(1)

    def draw() -> Any:
        """2 x 2 rays a pixel and one to the sun from where each meets the person."""
        triangle = caster.intersects_first(eyes, rays)
        hit = np.flatnonzero(triangle >= 0)
        normal, corner = mesh.face_normals[triangle[hit]], mesh.triangles[triangle[hit], 0]
        away = ((corner - scene["eye"]) * normal).sum(1) / (rays[hit] * normal).sum(1)
        point = scene["eye"] + rays[hit] * away[:, None] + normal * 1e-3
        lit = ~caster.intersects_any(point, np.broadcast_to(sun, point.shape)) * np.maximum(normal @ sun, 0)
        image = np.full((len(rays), 3), 0.5)
        image[hit] = color[triangle[hit]] * (0.3 + lit[:, None])
        image = image.reshape(height, 2, width, 2, 3).mean((1, 3))
        return (np.clip(image, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)

    return draw


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    scene = dict(np.load(path))
    draw = {"pygfx": pygfx, "pyrender": pyrender, "mitsuba": mitsuba, "embree": embree}[name](scene)
    image = np.ascontiguousarray(draw())
    if image.shape[:2] != tuple(scene["size"]) or image.std() < 2:
        raise SystemExit("it drew nothing")
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(draw()), quality=88, colorsubsampling="420")
        (path.parent / f"{name}-{count}.jpg").write_bytes(jpeg)
        count += 1
    print(count / (time.perf_counter() - start))


if __name__ == "__main__":
    main()

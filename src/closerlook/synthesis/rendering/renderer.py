"""The renderer: poses of a person, places and cameras to images under any number of weathers and times of day.

Work is kept at the level where it is shared: a person's textures, a pose's shadow maps, a view's surfaces; a further
weather or time of day costs one weighted sum a pixel. All views of a batch go through each step together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.arrays import Bytes
from closerlook.compute.kernels import start_warp
from closerlook.synthesis.humans.mesh.mesh import Person, PosedBatch, PosedPerson
from closerlook.synthesis.rendering.buffers import Buffers
from closerlook.synthesis.rendering.gbuffer import GBuffer
from closerlook.synthesis.rendering.launcher import Launcher
from closerlook.synthesis.rendering.light import body_spheres, occlusion, relight, tiles
from closerlook.synthesis.rendering.light.conditions import ImageRequest, flake_shape
from closerlook.synthesis.rendering.light.lights import Lights, lights
from closerlook.synthesis.rendering.light.occluder_spheres import SPHERES
from closerlook.synthesis.rendering.sensing import blur, mosaic, resample, video
from closerlook.synthesis.rendering.sensing.optics import noise_tile
from closerlook.synthesis.rendering.surfaces import planes, rasterize, resolve, surroundings
from closerlook.synthesis.rendering.surfaces.materials import material_rows
from closerlook.synthesis.rendering.surfaces.textures import library
from closerlook.synthesis.rendering.values import (
    Air,
    Blur,
    Caster,
    Exposure,
    KeyLight,
    Panel,
    Projection,
    Surface,
    ViewParameters,
    texel,
)
from closerlook.synthesis.rendering.view_batch import OCCLUSION_METERS, View, ViewRequest, batch_views
from closerlook.synthesis.scenes.backdrop import MAX_PANELS
from closerlook.synthesis.scenes.gloss import skyline
from closerlook.synthesis.scenes.textures import flake_tiles

__all__ = ["ImageRequest", "Renderer", "View", "ViewRequest"]


SHADOW_SIDES = (128, 256)  # texels across a shadow map: three for two pixels of the image's height, within these
TILE_SIDE = 8  # of the tiles that are lit at once on the CPU: measured, larger and smaller ones are slower
MAX_FLAKE_SHAPES = 32  # of flakes that are kept
BATCH = {"cpu": (16, 2**19), "cuda": (256, 2**21)}  # views and pixels
VERTICES = 400  # at least of those of a pose that say where its body is


class Renderer:
    """Renders one person at a time at one image size.

    Call :meth:`set_person`, then :meth:`render` for images of many views at once, or :meth:`rasterize` for their
    surfaces alone; :meth:`gbuffer` holds the surfaces of either.

    Args:
        size: image (height, width), at most 1024 either way.
        device: a Warp device, ``cpu`` or ``cuda:0``.
    """

    def __init__(self, size: tuple[int, int], device: str = "cpu") -> None:
        start_warp()
        self.size = size
        self.device = wp.get_device(device)
        self._on_cpu = bool(self.device.is_cpu)
        views, pixels = BATCH["cpu" if self._on_cpu else "cuda"]
        self.batch_size = max(1, min(views, pixels // (size[0] * size[1])))  # views that are best rendered at once
        self._buffers = Buffers(self.device, self._on_cpu)
        self._side = TILE_SIDE if self._on_cpu else 1
        self._lanes = wp.types.vector(self._side**2, wp.float32)
        self._relight = relight.overload(self._lanes)
        self._shadow_side = min(max(3 * size[0] // 2, SHADOW_SIDES[0]), SHADOW_SIDES[1])
        shared, upload = library(), self._buffers.upload
        self._place_texels = upload(shared.texels, texel)
        self._patterns = upload(shared.patterns, wp.uint8)
        self._grain = upload(shared.grain, wp.uint8)
        self._skyline = upload(skyline(), wp.vec2)
        self._noise = upload(noise_tile(), wp.vec3b)
        self._flake_shapes: list[tuple[float, float, float]] = []
        self._flakes: wp.array | None = None
        self._launch = Launcher(self.device, self._on_cpu)

    def compile(self) -> None:
        """Have all kernels compiled, or read from Warp's cache."""
        coder = video.overloads(video.lanes_on(self.device))[0]
        plain = (rasterize, planes, surroundings, resolve, mosaic, resample, blur, body_spheres, occlusion)
        for module in (*plain, self._relight.module, coder.module):
            wp.load_module(module, device=self.device)

    def set_person(self, person: Person) -> None:
        """Upload the triangles, texture coordinates and textures of the person to be rendered."""
        texels, surfaces = material_rows(person.materials)
        upload = self._buffers.upload
        self.person = person
        self._texels = upload(texels, texel)
        self._mesh = [
            upload(person.triangles.astype(np.int32), wp.vec3i),
            upload(person.materials_of.astype(np.int32), wp.int32),
            wp.array(surfaces, dtype=Surface, device=self.device),
        ]
        self._uv = upload(person.uv.astype(np.float32), wp.vec2)

    def render_view(self, posed: PosedPerson, view: View, images: Sequence[ImageRequest]) -> Bytes:
        """Images of one view, each in its weather and time of day, uint8 (n, height, width, 3)."""
        return self.render(PosedBatch.from_posed(posed), [ViewRequest(view, tuple(images))])[0]

    def render(self, posed: PosedBatch, requests: Sequence[ViewRequest]) -> list[Bytes]:
        """Images of many views: for each request uint8 (n, height, width, 3), one per image request."""
        self.rasterize(posed, requests)
        if not any(request.images for request in requests):
            return [np.empty((0, *self.size, 3), np.uint8) for _ in requests]
        made = lights(requests, self._batch, self._shadow_side)
        self._cast(made.casts)
        image = self._light(made)
        ends = made.conditions.exposure_ends.tolist()
        for request, first, end in zip(requests, ends, ends[1:], strict=False):
            if request.view.sensor.video:
                video.through_video(image[first:end], self.size, request.view.sensor, self._launch)
        return np.split(image.numpy().reshape(-1, *self.size, 3), ends[1:-1])

    def rasterize(self, posed: PosedBatch, requests: Sequence[ViewRequest]) -> None:
        """Find the surfaces that the cameras see; :meth:`gbuffer` then holds them."""
        count, vertices, (height, width) = len(requests), posed.positions.shape[1], self.size
        send, empty, capacity = self._buffers.send, self._buffers.empty, self._buffers.capacity("views", count)
        self._posed, self._requests = posed, requests
        self._batch = made = batch_views(posed, requests, self.person.body_vertices, self.size, capacity)
        self._positions, normals = (self._buffers.upload(each, wp.vec3) for each in (posed.positions, posed.normals))
        self._views, panels = self._send_views(made.parameters), send("panels", made.panels, Panel)
        # Kernels leave what no layer covers as it is: nothing there may ever be not a number.
        shape = (2 * capacity, 2, height, width)
        self._surfaces = [self._buffers.zeros(name, shape, wp.vec4) for name in ("color", "facing", "where")]
        screen = empty("screen", (count, vertices), wp.vec4)
        self._key = empty("key", (count, 2 * height, 2 * width), wp.int64)
        self._key.fill_(rasterize.EMPTY)
        projections = send("projections", made.projections, Projection)
        self._launch.runs(rasterize.project, (count, vertices), [self._positions, projections, screen])
        inputs = [screen, *self._mesh, self._uv, self._texels, self._views, self._key]
        self._launch.runs(rasterize.rasterize, (count, len(self.person.triangles)), inputs)
        self._surround(screen, panels)
        triangles, surface_of, materials = self._mesh
        inputs = [self._key, screen, triangles, self._positions, normals, self._uv, surface_of, materials]
        inputs += [self._texels, self._views, *self._surfaces]
        self._launch.runs(resolve.resolve, (count, height, width), inputs)
        self._show_pictures()
        self._sense(count, capacity)
        self._occlude(count)

    def _send_views(self, parameters: NDArray[Any]) -> wp.array:
        return self._buffers.send("view parameters", parameters, ViewParameters)

    def _surround(self, screen: wp.array, panels: wp.array) -> None:
        """Find the places behind the person, and what stands before."""
        count, empty, launch = len(self._requests), self._buffers.empty, self._launch.runs
        faced = empty("planes", panels.shape, planes.Plane)
        down, across = (-(-pixels // int(planes.SORTED)) for pixels in self.size)
        near = empty("near", (count, down, across, MAX_PANELS + 1), wp.int32)
        self._launch(planes.aim, (count, MAX_PANELS), [self._views, panels, faced])
        self._launch(planes.sort, (count, down, across), [self._views, faced, near])
        if self._batch.parameters["fronts"].any():
            inputs = [screen, self._mesh[0], self._views, faced, near, self._place_texels, self._key]
            launch(surroundings.hide, (count, *self.size), inputs)
        inputs = [self._key, self._views, faced, near, self._place_texels, *self._surfaces]
        launch(surroundings.surround, (count, *self.size), inputs)

    def _cast(self, casts: NDArray[Any]) -> None:
        """Draw the shadow maps of the key lights."""
        count, vertices, side = len(casts), self._posed.positions.shape[1], self._shadow_side
        self._shadow = self._buffers.empty("shadow", (max(count, 1), side, side), wp.float32)
        if count:
            self._shadow.fill_(2.0)
            screen = self._buffers.empty("screen of lights", (count, vertices), wp.vec4)
            projections = self._buffers.send("casts", casts, Projection)
            self._launch.runs(rasterize.project, (count, vertices), [self._positions, projections, screen])
            self._launch.runs(rasterize.cast, (count, len(self.person.triangles)), [screen, *self._mesh, self._shadow])

    def _show_pictures(self) -> None:
        """Put the frames of the user's own cameras behind the person."""
        color = self._surfaces[0]
        for k, request in enumerate(self._requests):
            if request.view.place.picture is not None:
                height, width = self._batch.optics.sizes[k]
                layers = color[k].numpy()
                picture = request.view.place.picture
                layers[1, :height, :width, :3] = picture.behind(self._batch.frames[k], (height, width))
                color[k].assign(layers)

    def _sense(self, count: int, capacity: int) -> None:
        """What the sensors do to the surfaces before they are lit."""
        made, surfaces, dim = self._batch, self._surfaces, (count, *self.size)
        color, launch = surfaces[0], self._launch.runs
        if made.parameters["mosaic"].any():
            sifted = self._buffers.empty("mosaic", dim, wp.float32)
            launch(mosaic.sift, dim, [self._views, color, sifted])
            launch(mosaic.fill_in, dim, [self._views, sifted, color])
        launch(resample.resample, dim, [self._views, capacity, *surfaces])
        taps = self._buffers.send("taps", made.optics.taps, wp.vec3)
        for number, rows in enumerate(made.optics.rounds):
            blurs = self._buffers.send(f"blurs {number}", rows, Blur)
            launch(blur.blur_surfaces, (len(rows), *self.size), [blurs, taps, *surfaces])
        if made.parameters["chroma_tap_count"].any():
            chroma_taps = self._buffers.send("chroma taps", made.optics.chroma_taps, wp.float32)
            half = self._half(count)
            chroma, spare = (self._buffers.empty(f"chroma {i}", half, wp.vec2) for i in range(2))
            launch(blur.separate, half, [self._views, color, chroma])
            launch(blur.soften, half, [self._views, chroma_taps, chroma, 0, spare])
            launch(blur.soften, half, [self._views, chroma_taps, spare, 1, chroma])
            launch(blur.recolor, (*dim[:2], half[2]), [self._views, chroma, color])

    def _half(self, count: int) -> tuple[int, int, int]:
        """Views and their height and width in blocks of 2 x 2 pixels."""
        height, width = self.size
        return count, (height + 1) // 2, (width + 1) // 2

    def _occlude(self, count: int) -> None:
        """How much of the sky each surface sees."""
        made, posed, dim, (color, _, where) = self._batch, self._posed, self._half(count), self._surfaces
        empty, send, launch = self._buffers.empty, self._buffers.send, self._launch.runs
        bodies = empty("bodies", (len(posed), SPHERES), wp.vec4)
        step = max(posed.positions.shape[1] // VERTICES, 1)
        self._launch(body_spheres.bodies, (len(posed), int(body_spheres.BANDS)), [self._positions, step, bodies])
        self._launch(body_spheres.enclose, len(posed), [bodies])
        samples, settled, planes = (empty(name, dim, wp.vec4) for name in ("samples", "settled", "samples of planes"))
        creases = empty("creases", dim, wp.float32)
        self._open_sky = self._buffers.zeros("open sky", (count, 2, *self.size), wp.float32)
        occluders, turns = send("occluders", made.occluders, wp.vec4), send("turns", made.taps, wp.vec2i)
        inputs = [self._views, *self._surfaces, bodies, occluders, turns, OCCLUSION_METERS, samples]
        launch(occlusion.gather, dim, [self._views, color, where, samples])
        launch(occlusion.occlude, dim, [*inputs, creases, planes])
        launch(occlusion.settle, dim, [samples, creases, settled])
        launch(occlusion.spread, (count, *self.size), [*inputs, settled, planes, self._open_sky])

    def gbuffer(self, number: int = 0) -> GBuffer:
        """The surfaces of a view of the last batch; they hold until the next batch."""
        slot, (height, width) = int(self._batch.parameters["slot"][number]), map(int, self._batch.optics.sizes[number])
        row = self._buffers.row
        color, facing, where = (row(array, slot) for array in self._surfaces)
        return GBuffer(
            person=self.person,
            posed=self._posed[self._requests[number].pose],
            frame=self._batch.frames[number],
            size=self.size,
            sensor_size=(height, width),
            color=color,
            facing=facing,
            where=where,
            open_sky=row(self._open_sky, number),
            samples=row(self._key, number)[: 2 * height, : 2 * width],
        )

    def shadow_map(self, number: int) -> NDArray[np.float32]:
        """(s, s) depth of the person from a key light of the last batch."""
        return np.asarray(self._shadow[number].numpy())

    def _light(self, made: Lights) -> wp.array:
        """Images of the last :meth:`rasterize`, flat ones end to end."""
        send, scratch, (height, width) = self._buffers.send, self._buffers.scratch, self.size
        exposures, keys = made.conditions.exposures, made.keys
        exposures["flake_tile"] = self._flake_tiles()
        image = wp.empty((len(exposures), height * width), dtype=wp.vec3ub, device=self.device)
        across, down = (-(-pixels // self._side) for pixels in (width, height))
        count, (most_lights, most_airs) = across * down, made.max_counts
        cells = 1 if self._on_cpu else len(self._requests) * count
        inputs = [
            *(self._send_views(made.parameters), *self._surfaces, self._open_sky, self._skyline, self._grain),
            *(send("lamps", made.lamps, wp.vec4), send("lights", keys.rows, KeyLight)),
            *(send("skies", keys.skies, wp.vec3), send("gloss", keys.gloss, wp.vec3), self._shadow, self._patterns),
            *(send("casters", keys.casters, Caster), self._place_texels, send("airs", made.conditions.airs, Air)),
            *(send("exposures", exposures, Exposure), self._flakes, self._noise, send("tones", made.tones, wp.float32)),
            *(height, width, self._side, count),
            scratch("independent", (cells, tiles.LAYERS * int(tiles.INDEPENDENT_ROWS)), self._lanes),
            scratch("lobes", (cells, tiles.LAYERS * self._side**2), wp.vec4),
            scratch("direct", (cells, most_lights, tiles.LAYERS * int(tiles.DIRECT_ROWS)), self._lanes),
            scratch("atmosphere", (cells, most_airs, tiles.LAYERS * int(tiles.ATMOSPHERE_ROWS)), self._lanes),
            image,
        ]
        self._launch(self._relight, (len(self._requests), count), inputs)
        return image

    def _flake_tiles(self) -> list[int]:
        """The number of the first tile of flakes of each image; draws those that are not there yet."""
        shapes = [flake_shape(image.weather) for request in self._requests for image in request.images]
        if new := [shape for shape in dict.fromkeys(shapes) if shape not in self._flake_shapes]:
            kept = self._flake_shapes if len(self._flake_shapes) + len(new) <= MAX_FLAKE_SHAPES else []
            self._flake_shapes = list(dict.fromkeys([*kept, *shapes]))
            drawn = [flake_tiles(self.size[0], *shape) for shape in self._flake_shapes]
            self._flakes = self._buffers.upload(np.concatenate(drawn), wp.uint8)
        return [2 * self._flake_shapes.index(shape) for shape in shapes]

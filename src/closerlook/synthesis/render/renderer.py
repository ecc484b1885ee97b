"""The renderer: a person, a pose, a place and a camera to images under any number of weathers and times of day.

Work is kept at the level where it is shared: a person's textures, a pose's shadow maps, a view's surfaces; a further
weather or time of day costs one weighted sum a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.person.fabric import RELIEF_SIDE
from closerlook.synthesis.person.mesh import Person, PosedPerson
from closerlook.synthesis.render import mosaic, occlusion, raster, relight, resample, resolve, smear, tiles, video
from closerlook.synthesis.render.beams import (
    LAMP_DISTANCE,
    NO_CASTERS,
    caster_rows,
    mirrored_sky,
    shadow_matrix,
    turned_sky,
    weighted,
)
from closerlook.synthesis.render.blobs import body_blobs, shading, spiral
from closerlook.synthesis.render.conditions import Shot, exposed_rows, flake_shape, flake_weathers
from closerlook.synthesis.render.lamps import lamp_rows
from closerlook.synthesis.render.optics import bell, blurs, noise_tile, softened, tone_curve
from closerlook.synthesis.render.panels import eye_of, panel_rows
from closerlook.synthesis.render.seen import Seen
from closerlook.synthesis.render.textures import CHAIN_LENGTH, library, mip_chain, relief_chain
from closerlook.synthesis.render.values import (
    CASTER_ROW,
    KEY_LIGHT_ROW,
    Air,
    Caster,
    Exposed,
    KeyLight,
    Panel,
    Surface,
    texel,
)
from closerlook.synthesis.scene.backdrop import MOST, Place, visible
from closerlook.synthesis.scene.camera import Camera, Frame, frame
from closerlook.synthesis.scene.gloss import skyline
from closerlook.synthesis.scene.lighting import key_direction, turned
from closerlook.synthesis.scene.sensor import Sensor
from closerlook.synthesis.scene.sky import ILLUMINATIONS, Illumination, sky_light
from closerlook.synthesis.scene.textures import flake_tiles

__all__ = ["Renderer", "Shot", "View"]

Float = NDArray[np.float32]
Bytes = NDArray[np.uint8]

SHADOW_SIDES = (128, 256)  # texels across a shadow map: three for two pixels of the image's height, within these
OCCLUSION_METRES = 0.22
TILE_SIDE = 8  # of the tiles that are lit at once on the CPU: measured, larger and smaller ones are slower
STAINS = 0.6  # how much lighter the lightest ground of a place is than the darkest, as a share of the mean
BAND = 16384  # pixels lit in one go: what is worked out for each light and air then stays in the caches


@dataclass(frozen=True)
class View:
    """Where the camera stands, in which place, and with which electronics it sees."""

    camera: Camera
    place: Place
    sensor: Sensor


class Renderer:
    """Renders one person at a time at one image size.

    Call :meth:`wear` for a person, :meth:`pose` for a pose, then :meth:`render` any number of times.

    Args:
        size: image (height, width), at most 1024 either way.
        device: a Warp device, ``cpu`` or ``cuda:0``.
    """

    def __init__(self, size: tuple[int, int], device: str = "cpu") -> None:
        start_warp()
        self.size = size
        self.device = wp.get_device(device)
        self._on_cpu = bool(self.device.is_cpu)
        height, width = size
        self._key = self._empty((2 * height, 2 * width), wp.int64)
        # Kernels leave what no layer covers as it is: nothing there may ever be not a number.
        layers = {"shape": (2, height, width), "dtype": wp.vec4, "device": device}
        self._coarse, self._fine = ([wp.zeros(**layers) for _ in range(3)] for _ in range(2))
        self._lobes = self._empty((2, height, width), wp.vec4)
        self._creases = self._empty((height, width), wp.float32)
        self._split = [self._empty((height, width), wp.vec3) for _ in range(2)]
        self._mosaic = self._empty((height, width), wp.float32)
        down, across = (-(-pixels // int(resolve.SORTED)) for pixels in size)
        self._tiles = self._empty((down, across, MOST + 1), wp.int32)
        self.open_sky = wp.zeros((2, height, width), dtype=wp.float32, device=device)
        self._shadow_side = min(max(3 * height // 2, SHADOW_SIDES[0]), SHADOW_SIDES[1])
        self._shadow = self._shadow_maps(len(ILLUMINATIONS))
        shared = library()
        self._place_texels = self._array(shared.texels, texel)
        self._patterns = [self._array(pattern, wp.uint8) for pattern in shared.patterns]
        self._grain = self._array(shared.grain, wp.uint8)
        self._skyline = self._array(skyline(), wp.vec2)
        self._noise = self._array(noise_tile(), wp.vec3b)
        self._flake_shapes: list[tuple[float, float, float]] = []
        self._flakes: wp.array | None = None
        self._lights: dict[Illumination, NDArray[Any]] = {}  # rows of KeyLight, of this pose
        self._north: float | None = None
        self._side = TILE_SIDE if self._on_cpu else 1
        self._lanes = wp.types.vector(self._side**2, wp.float32)
        self._survey, self._meet, self._thin, self._expose = relight.overloads(self._lanes)
        self._scratch: dict[str, wp.array] = {}
        self._sent: dict[tuple[str, int], tuple[NDArray[Any], wp.array]] = {}
        self._commands: dict[wp.Kernel, tuple[wp.Launch, list[object], object]] = {}

    def _empty(self, shape: tuple[int, ...], dtype: type) -> wp.array:
        return wp.empty(shape, dtype=dtype, device=self.device)

    def _shadow_maps(self, count: int) -> wp.array:
        return self._empty((count, self._shadow_side, self._shadow_side), wp.float32)

    def _array(self, values: NDArray[Any], dtype: type) -> wp.array:
        values = np.ascontiguousarray(values)
        if not self._on_cpu:
            return wp.array(values, dtype=dtype, device=self.device)
        # Warp reads NumPy's memory as it is: whoever hands it over must not write to it. By its address, which saves
        # the checks of a conversion: they would take longer than a small image.
        shape = values.shape[: values.ndim - len(getattr(dtype, "_shape_", ()))]
        array = wp.array(ptr=values.__array_interface__["data"][0], dtype=dtype, shape=shape, device=self.device)
        array.source = values  # lives as long as the array does
        return array

    def _send(self, name: str, values: NDArray[Any], dtype: type) -> wp.array:
        """Rows that change from view to view, in memory that stays: launches then find arguments as they were."""
        if (key := (name, len(values))) not in self._sent:
            own = np.array(values)
            self._sent[key] = own, self._array(own, dtype)
        own, array = self._sent[key]
        own[...] = values
        if not self._on_cpu:
            array.assign(own)
        return array

    def _launch(self, kernel: wp.Kernel, dim: int | tuple[int, ...], inputs: Sequence[object]) -> None:
        """Run a kernel, by the command of its last launch: packing only what has changed takes a third of the time."""
        kept = self._commands.get(kernel)
        if kept is None:
            command = wp.launch(kernel, dim=dim, inputs=list(inputs), device=self.device, record_cmd=True)
            self._commands[kernel] = (command, list(inputs), dim)
        else:
            command, last, last_dim = kept
            if dim != last_dim:
                command.set_dim(dim)
                self._commands[kernel] = (command, last, dim)
            for i, value in enumerate(inputs):
                if value is not last[i]:
                    command.set_param_at_index(i, value)
                    last[i] = value  # keeps arrays alive, too
        command.launch()

    def compile(self) -> None:
        """Have all kernels compiled, or read from Warp's cache."""
        coder = video.overloads(video.lanes_on(self.device))[0]
        for module in (raster, resolve, mosaic, resample, smear, occlusion, self._expose.module, coder.module):
            wp.load_module(module, device=self.device)

    def wear(self, person: Person) -> None:
        """Take a person's triangles, texture coordinates and textures."""
        chains = [mip_chain(material.texture) for material in person.materials]
        chains += [relief_chain(material.relief) for material in person.materials if material.relief]
        starts = np.cumsum([0, *(len(chain) for chain in chains)])
        reliefs = iter(starts[len(person.materials) :])
        surfaces = []
        for material, start in zip(person.materials, starts, strict=False):
            surface = Surface()
            surface.start = int(start)
            surface.log2_side = material.texture.shape[0].bit_length() - 1
            surface.roughness = material.roughness
            surface.cutout = int(material.cutout)
            surface.two_sided = int(material.two_sided)
            surface.relief = int(next(reliefs)) if material.relief else -1
            surface.relief_log2 = RELIEF_SIDE.bit_length() - 1
            surface.bump = material.bump
            surfaces.append(surface)
        self._surfaces = wp.array(surfaces, dtype=Surface, device=self.device)
        self._texels = self._array(np.concatenate(chains), texel)
        self.person = person
        self._triangles = self._array(person.triangles.astype(np.int32), wp.vec3i)
        self._surface_of = self._array(person.materials_of.astype(np.int32), wp.int32)
        self._uv = self._array(person.uv.astype(np.float32), wp.vec2)
        self._screen = self._empty((len(person.positions),), wp.vec4)

    def pose(self, posed: PosedPerson) -> None:
        """Take a pose of the person worn last."""
        self.posed = posed
        self._positions = self._array(posed.positions, wp.vec3)
        self._normals = self._array(posed.normals, wp.vec3)
        self._blobs = body_blobs(posed.positions[:: max(len(posed.positions) // 800, 1)])
        self._lights, self._north = {}, None

    def render(self, view: View, shots: Sequence[Shot]) -> Bytes:
        """Images of one view under each shot's weather and time of day, uint8 (n, height, width, 3)."""
        order = sorted(range(len(shots)), key=lambda i: shots[i].illumination.hour)
        self.look(view)
        images = self.light(view, [shots[i] for i in order])
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return np.asarray(images[back])

    def look(self, view: View) -> Frame:
        """Find the surfaces that the camera sees. Sets ``frame``; the person's coverage is then in :meth:`mask`."""
        height, width = self.sensor_size = self._sensor_size(view.sensor)
        self.frame = frame(view.camera, self.posed.positions[: self.person.own], self.size)
        shown = visible(view.place, self.frame)
        eye, panels = eye_of(self.frame, width, shown), self._send("panels", panel_rows(shown, self.frame), Panel)
        key = self._key
        key.fill_(raster.EMPTY)
        matrix = wp.mat44(self.frame.matrix)
        self._launch(
            raster.project,
            len(self._positions),
            [
                *(self._positions, matrix, wp.vec4(*self.frame.window), self.frame.distortion),
                *(float(2 * width), float(2 * height), self._screen),
            ],
        )
        self.rasterise(self._screen, 2 * width, 2 * height, key)
        down, across = (-(-pixels // int(resolve.SORTED)) for pixels in (height, width))
        self._launch(resolve.sort, (down, across), [panels, eye, width, height, self._tiles])
        self._launch(
            resolve.resolve,
            (height, width),
            [
                *(key, self._screen, self._triangles, self._positions, self._normals, self._uv),
                *(self._surface_of, self._surfaces, self._texels, eye),
                *(panels, self._tiles, self._place_texels, width, height),
                *self._coarse,
            ],
        )
        if view.place.picture is not None:
            colour = self._coarse[0].numpy()
            colour[1, :height, :width, :3] = view.place.picture.behind(self.frame, (height, width))
            self._coarse[0].assign(colour)
        if view.sensor.mosaic:
            phase = (view.sensor.grid_down % 2, view.sensor.grid_right % 2)
            self._launch(mosaic.sift, (height, width), [self._coarse[0], *phase, self._mosaic])
            inputs = [self._mosaic, view.sensor.mosaic, *phase, height, width, self._coarse[0]]
            self._launch(mosaic.fill_in, (height, width), inputs)
        self.surfaces = self._coarse
        softness, _ = softened(view.sensor, self.size[0])
        if (height, width) != self.size or softness != 0.0:
            self.surfaces = self._fine
            inputs = [*self._coarse, height, width, softness, *self.size, *self._fine]
            self._launch(resample.resample, self.size, inputs)
        for what, taps in blurs(view.sensor, self.size[0]):
            spare = self._fine if self.surfaces is self._coarse else self._coarse
            self._launch(smear.smear, self.size, [*self.surfaces, self._send("blur", taps, wp.vec3), what, *spare])
            self.surfaces = spare
        if view.sensor.colour_blur > 0.0:
            weights = self._send("bell", bell(view.sensor.colour_blur * self.size[0] / 128), wp.float32)
            self._launch(smear.separate, self.size, [self.surfaces[0], self._split[0]])
            self._launch(smear.soften, self.size, [self._split[0], weights, self._split[1]])
            self._launch(smear.recolour, self.size, [*self._split, weights, self.surfaces[0]])
        height, width = self.size
        reach = OCCLUSION_METRES / self.frame.distance / (2 * self.frame.window[3]) * height
        near = np.concatenate([self._blobs, view.place.blobs[shading(view.place.blobs, self.frame)]])
        blobs = self._send("blobs", near.astype(np.float32), wp.vec4)
        taps = self._send("taps", spiral(reach), wp.vec2i)
        inputs = [*self.surfaces, blobs, len(self._blobs), taps, OCCLUSION_METRES, width, height]
        self._launch(occlusion.occlude, (height, width), [*inputs, self._creases, self.open_sky])
        self._launch(
            occlusion.settle, (height, width), [self.surfaces[0], self.surfaces[2], self._creases, self.open_sky]
        )
        return self.frame

    def rasterise(self, screen: wp.array, width: int, height: int, key: wp.array) -> None:
        """Draw the person's projected vertices into the upper left (height, width) of ``key``."""
        surface = [self._triangles, self._surface_of, self._surfaces, self._uv, self._texels]
        self._launch(raster.rasterise, len(self._triangles), [screen, *surface, width, height, key])

    def mask(self) -> Float:
        """Coverage of the last view's pixels by the person, 0 to 1, (height, width)."""
        return np.asarray(self.surfaces[0].numpy()[0, :, :, 3])

    def seen(self) -> Seen:
        """All that was found in the last view; it holds until the next :meth:`look`."""
        colour, facing, where = (array.numpy() for array in self.surfaces)
        size = (self.size, self.sensor_size)
        return Seen(self.person, self.posed, self.frame, *size, colour, facing, where, self.samples())

    def samples(self) -> NDArray[np.int64]:
        """(2 h, 2 w) samples of the sensor's pixels in the last view: ``raster.EMPTY`` or, in the lower bits, the
        number of the person's triangle."""
        height, width = self.sensor_size
        return np.asarray(self._key.numpy()[: 2 * height, : 2 * width])

    def _sensor_size(self, sensor: Sensor) -> tuple[int, int]:
        height, width = self.size
        return max(round(height * sensor.scale), 8), max(round(width * sensor.scale), 8)

    def _casters(self, place: Place, lights: NDArray[Any]) -> tuple[wp.array, list[int]]:
        """What throws a shadow onto the person or the ground around under each light, and where each light's end."""
        suns = [caster_rows(place.panels, light["place"]) if light["reach"] == 0 else NO_CASTERS for light in lights]
        ends = np.cumsum([len(rows) for rows in suns]).tolist()
        return self._send("casters", np.concatenate([*suns, np.zeros(1, CASTER_ROW)]), Caster), ends

    def ground_albedo(self, view: View) -> NDArray[np.float64]:
        """(3,) mean linear albedo of the ground that the person stands on."""
        shared, panels = library(), view.place.panels
        last = shared.start[panels.texture[0]] + CHAIN_LENGTH - 1
        return np.asarray((shared.texels[last, :3] / 255.0) ** 2.2 * panels.tint[0])

    def shadow_map(self, illumination: Illumination) -> Float:
        """(s, s) depth of the person from the key light of a time of day already rendered in this pose."""
        return np.asarray(self._shadow[int(self._lights[illumination]["slot"])].numpy())

    def light(self, view: View, shots: Sequence[Shot]) -> Bytes:
        """Light the surfaces of the last :meth:`look`; ``shots`` must be grouped by time of day."""
        illuminations = list(dict.fromkeys(shot.illumination for shot in shots))
        if len({*illuminations, *self._lights}) > len(self._shadow):
            self._lights = {}
            self._shadow = self._shadow_maps(2 * len(illuminations))
        sky = np.stack([turned_sky(illumination, view.place.north) for illumination in illuminations])
        exposed, airs = exposed_rows(shots, self.ground_albedo(view), view.sensor)
        exposed["light"] = [illuminations.index(shot.illumination) for shot in shots]
        lit = np.zeros(len(illuminations), bool)
        lit[exposed["light"][exposed["sun"].any(1)]] = True
        lights = np.stack([self._key_light(*each, view.place.north) for each in zip(illuminations, lit, strict=True)])
        casters, ends = self._casters(view.place, lights)
        lights["first_caster"], lights["end_caster"] = [0, *ends[:-1]], ends
        shapes = flake_weathers(shots)
        exposed["flake_tile"] = [2 * shapes.index(flake_shape(shot.weather)) for shot in shots]
        height, width = self.size
        if shapes != self._flake_shapes:
            self._flake_shapes = shapes
            self._flakes = self._array(np.concatenate([flake_tiles(height, *shape) for shape in shapes]), wp.uint8)
        gloss = np.stack([mirrored_sky(illumination) for illumination in illuminations])
        wet = int((airs["wetness"] > 0).any())
        shining = view.place.lamps[: None if (lights["reach"] > 0).any() else 0]
        lamps = self._send("lamps", lamp_rows(shining, self.frame), wp.vec4)
        stains = STAINS if view.place.picture is None else 0.0
        beams = [
            *(self._send("lights", lights, KeyLight), self._send("sky", weighted(sky), wp.vec3)),
            self._send("gloss", gloss, wp.vec3),
            *(self._shadow, self._patterns[view.place.shade_variant], view.place.shade),
            *(casters, self._place_texels, wet),
        ]
        camera = [
            *(self._send("exposed", exposed, Exposed), self._flakes, self._noise),
            *(self._send("tone", tone_curve(view.sensor), wp.float32), view.sensor.saturation),
        ]
        air = self._send("airs", airs, Air)
        image = self._empty((len(shots), height * width), wp.vec3ub)
        across, down = (-(-pixels // self._side) for pixels in (width, height))
        band = BAND // self._side**2
        for start in range(0, across * down, band):
            self._light_band(
                start, min(across * down - start, band), across, lamps, stains, wet, beams, air, camera, image
            )
        if view.sensor.video:
            video.through_video(image, self.size, view.sensor, self._launch)
        return np.asarray(image.numpy().reshape(len(shots), height, width, 3))

    def _light_band(
        self,
        start: int,
        count: int,
        across: int,
        lamps: wp.array,
        stains: float,
        wet: int,
        beams: Sequence[object],
        airs: wp.array,
        camera: Sequence[object],
        image: wp.array,
    ) -> None:
        """Light ``count`` tiles of the image from number ``start``."""
        lights = len(beams[0])  # type: ignore[arg-type]
        surveyed = self._rows("surveyed", count, tiles.LAYERS * int(tiles.SURVEYED))
        met = self._rows("met", count, lights, tiles.LAYERS * int(tiles.MET))
        thinned = self._rows("thinned", count, len(airs), tiles.LAYERS * int(tiles.THINNED))
        present = self._empty((count, tiles.LAYERS), wp.int32)
        eye, where = wp.vec3(*map(float, self.frame.eye)), (start, self._side, across)
        seen = [self.open_sky, self._skyline, lamps, self._grain, stains, wet, eye]
        inputs = [*self.surfaces, *seen, *where, surveyed, present, self._lobes]
        self._launch(self._survey, (count, tiles.LAYERS), inputs)
        self._launch(
            self._meet, (count, lights), [*self.surfaces, eye, *beams, *where, surveyed, present, self._lobes, met]
        )
        inputs = [*self.surfaces, eye, self._grain, airs, *where, present, thinned]
        self._launch(self._thin, (count, len(airs), tiles.LAYERS), inputs)
        height, width = self.size
        inputs = [surveyed, met, thinned, present, *camera, *where, width, height, image]
        self._launch(self._expose, (count, len(image)), inputs)

    def _rows(self, name: str, *shape: int) -> wp.array:
        """Scratch memory for lane vectors, kept."""
        kept = self._scratch.get(name)
        if kept is None or kept.shape != shape:
            self._scratch[name] = kept = self._empty(shape, self._lanes)
        return kept

    def _key_light(self, illumination: Illumination, lit: bool, north: float) -> NDArray[Any]:
        """The sun or lamp of a time of day; casts its shadow map if it is ``lit`` and this pose does not have it."""
        if self._north != north:
            self._lights, self._north = {}, north
        light = self._lights.get(illumination)
        if light is None:
            towards = key_direction(sky_light(illumination), north)
            lamp = sky_light(illumination).lamp
            light = np.zeros((), dtype=KEY_LIGHT_ROW)
            light["place"] = towards * LAMP_DISTANCE + [0.0, 0.9, 0.0] if lamp else towards
            light["reach"] = LAMP_DISTANCE**2 if lamp else 0.0
            light["sunward"] = turned(sky_light(illumination).sunward, north)[[0, 2]]
            light["shadow"], light["slot"] = shadow_matrix(towards, lamp), len(self._lights)
            self._lights[illumination] = light
        if lit and not light["lit"]:
            light["lit"] = 1
            self._cast(int(light["slot"]), light["shadow"])
        return light

    def _cast(self, slot: int, matrix: Float) -> None:
        """Draw the shadow map of a key light."""
        side = float(self._shadow_side)
        self._shadow[slot].fill_(2.0)
        straight = wp.vec4(0.0, 0.0, 1.0, 1.0)
        inputs = [self._positions, wp.mat44(matrix), straight, 0.0, side, side, self._screen]
        self._launch(raster.project, len(self._positions), inputs)
        surface = [self._triangles, self._surface_of, self._surfaces]
        self._launch(raster.cast, len(self._triangles), [self._screen, *surface, slot, self._shadow_side, self._shadow])

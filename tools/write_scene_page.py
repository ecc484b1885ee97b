"""Writes docs/scene.md, the parameters of a scene, from the code's own table: python tools/write_scene_page.py"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from closerlook.synthesis.generation.parameters import BOUNDS, LIKE, SCENE, known_parameters
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

PAGE = Path(__file__).parent.parent / "docs" / "scene.md"
PLAIN = {
    "weather": WEATHERS[LIKE["weather"]],
    "illumination": ILLUMINATIONS[LIKE["illumination"]],
    "camera": Camera(),
    "sensor": Sensor(),
}
START = """# Parameters of a scene

Everything continuous that the renderer knows, by dotted name. Each can be a factor of a design or the jitter of every
image, and part of a weather or an illumination of one's own:

```yaml
identities: 100
factors:
  viewpoint: [0, 90, 180, 270]
  weather: [sunny, haze]
  camera.height: [2, 4, 6]
jitter:
  sensor.noise: {uniform: [0, 3]}
weathers:
  haze: {like: foggy, extinction: 0.01}
```

`closerlook generate design.yaml --out data/mine` renders it. In tables a dot is an underscore: `camera_height`. Jitter
is `uniform` or `log_uniform` (lowest, highest), `normal` (mean, deviation) or `choice` (values). A plain value is that
of weather `neutral` and illumination `noon`; of `camera` and `sensor` it is the value that drawing starts from, for
unless a design sets them they are drawn for each view (`--sensor`, `--scene-per`). Lengths are meters, angles degrees.

## Boxes as detectors make them

`camera.crop` says which box around the person becomes the image. Without it boxes have about the image's shape, as
Market-1501's do. A box that is as wide as the person, widened by 0 to 10 % a side, cut at the frame's edge and at
least 30 % person, as UnrealPerson has them:

```yaml
jitter:
  camera.crop.height: {choice: [1]}
  camera.crop.aspect: {choice: [1]}
  camera.crop.right: {choice: [0]}
  camera.crop.down: {choice: [0]}
  camera.crop.fit: {choice: [1]}
  camera.crop.margin_left: {uniform: [0, 0.1]}
  camera.crop.margin_top: {uniform: [0, 0.1]}
  camera.crop.margin_right: {uniform: [0, 0.1]}
  camera.crop.margin_bottom: {uniform: [0, 0.1]}
  camera.crop.cut: {choice: [1]}
  camera.crop.least: {choice: [0.3]}
```

## Networks of cameras

`cameras: 6` in a design, or `--cameras 6`, puts up six fixed cameras, each with its own place, position, height, pitch,
focal length, lens and sensor (exposure and white balance too). Everybody walks straight past 2 to all of them, `frames`
images each (4), so that distance, viewpoint, occlusion and light follow from the way; others pass as well. In the
table `camera` is the camera's number, `viewpoint` the level of the design that the heading seen is nearest to. Weather
and illumination stay factors. A list says what is not to be drawn:

```yaml
identities: 200
frames: 4
cameras:
  - {backdrop: street, camera.height: 3.2, camera.pitch: 14, camera.focal: 28, sensor.exposure: 1.2}
  - {backdrop: park, camera.distortion: 0.1}
  - {}
factors:
  weather: [sunny, clouds]
  illumination: [forenoon, dusk]
```

Of `camera` there may be `height`, `pitch` (of the camera's axis; or `distance`, meters to where the axis is half as
high as people), `roll`, `focal` and `distortion`, of `sensor` everything (`scale` at that distance: nearer people have
more pixels). These are fixed: only `camera.crop`,
`camera.occlusion` and `sensor` may be factors or jitter beside them. With a factor `viewpoint` people are seen from
near its levels only.

## The parameters

This page is written by `python tools/write_scene_page.py`; do not edit it.
"""


def scene_page() -> str:
    """The page's text."""
    parts = [START]
    for part in SCENE:
        parts += [f"\n## {part}\n", "| name | range | plain | what it is |", "|---|---|---|---|"]
        parts += [_row(name) for name in known_parameters() if name.startswith(f"{part}.")]
    return "\n".join(parts) + "\n"


def _row(name: str) -> str:
    part, *path = name.split(".")
    value = PLAIN[part]
    for step in path[:-1]:
        value = getattr(value, step)
    says = _attributes(type(value)).get(path[-1]) or " ".join(
        (inspect.getdoc(getattr(type(value), path[-1])) or "").split()
    )
    low, high = BOUNDS[name]
    bounds = f"{low:g} to {high:g}"
    return f"| `{name}` | {bounds} | {getattr(value, path[-1]):.4g} | {says.rstrip('.')} |"


def _attributes(kind: type) -> dict[str, str]:
    """What the docstring of a dataclass says of each of its attributes, on one line."""
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    entries = re.split(r"^    (?=\w[\w, ]*: )", section, flags=re.MULTILINE)
    found = {}
    for entry in filter(str.strip, entries):
        names, _, text = entry.partition(": ")
        found |= {name.strip(): re.sub(r"\s+", " ", text.replace("``", "`")).strip() for name in names.split(",")}
    return found


if __name__ == "__main__":
    PAGE.write_text(scene_page(), encoding="utf-8")

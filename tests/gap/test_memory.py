"""However many images there are, a pass holds the same few vectors, and adds them up where they lie."""

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.embedding import Block, Embedder, slices_of
from closerlook.gap import analyze
from closerlook.gap.measure.moments import Sketch, center, runs_of, squared_norms
from closerlook.gap.measure.sums import ExactSums, ProjectedSums

from .conftest import SIZE, write_source, write_target

pytestmark = pytest.mark.slow


BLOCKS = (Block("a", "style", 30_000), Block("b", "content", 30_000))
DIM = 60_000
RAMP = torch.linspace(0, 1, DIM)


class Wide(Embedder):
    """Vectors far longer than anything else that an analysis holds; notes how much memory such vectors take."""

    name, size, parallel, fingerprint, blocks, dim = "wide", SIZE, True, "wide", BLOCKS, DIM

    def __init__(self) -> None:
        self.calls, self.most = 0, 0
        self.written: set[int] = set()

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        phi = torch.empty(len(images), DIM)
        self.write(images, phi)
        return phi

    def write(self, images: torch.Tensor, phi: torch.Tensor) -> None:
        mean = images.float().mean((1, 2, 3))
        torch.outer(mean, RAMP, out=phi).sin_()
        self.written.add(phi.data_ptr())
        self.calls += 1
        if self.calls % 6 == 0:
            self.most = max(self.most, held(DIM))


def held(length: int) -> int:
    """Values in all the memory of tensors that hold at least so many."""
    memory: dict[int, int] = {}
    for one in gc.get_objects():
        if type(one) is torch.Tensor:
            storage = one.untyped_storage()
            memory[storage.data_ptr()] = max(memory.get(storage.data_ptr(), 0), storage.nbytes() // 4)
    return sum(size for size in memory.values() if size >= length)


def test_memory_does_not_grow_with_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 and 48 people make the same 6 x 16 units."""
    monkeypatch.setattr("closerlook.gap.measure.source.EXACT_BYTES", 0)
    monkeypatch.setattr("closerlook.gap.measure.partials.MIN_IMAGES", 32)
    monkeypatch.setattr("closerlook.embedding.passes.MAX_BATCH", {"cpu": 4})
    (tmp_path / "target").mkdir()
    target = write_target(tmp_path / "target", images=16)
    most, buffers = [], []
    for people in (16, 48):
        (tmp_path / str(people)).mkdir()
        source = write_source(tmp_path / str(people), people)
        wide = Wide()
        gap = analyze(source, target, embedding=wide, per_cell=0)
        assert gap.measurement.images.height == 6 * people
        assert len(gap.measurement.units) == 6 * 16
        most.append(wide.most)
        buffers.append(len(wide.written))
        del gap
    assert most[1] <= most[0]  # less: partials of as many images have fewer units
    assert max(buffers) <= 2 * 3 + 1  # for two passes of two threads, and the target's first images


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), images=st.integers(1, 40), batch=st.integers(1, 9), exact=st.booleans())
def test_sums_are_those_of_their_definition(seed: int, images: int, batch: int, exact: bool) -> None:
    """Units in any number of parts, in two partials that follow one another in the same memory."""
    rng = np.random.default_rng(seed)
    unit = np.unique(np.sort(rng.integers(12, size=images)), return_inverse=True)[1]
    units = unit.max() + 1
    cell = np.sort(rng.integers(4, size=units))
    levels = np.stack([cell % 2, 2 + cell // 2], axis=1)
    blocks = (Block("a", "style", 7), Block("b", "content", 5))
    x, mean = torch.from_numpy(rng.normal(size=(images, 12)).astype(np.float32)), torch.rand(12)
    sketch = Sketch(blocks, 4, 0)
    sums = (
        ExactSums(units, 12, torch.device("cpu"))
        if exact
        else ProjectedSums(units, cell, levels, sketch, 12, torch.device("cpu"))
    )
    for own in (unit < units // 2, unit >= units // 2):
        if not own.any():
            continue
        labels, phi = unit[own], x[torch.from_numpy(own)]
        centerd, expected = phi - mean, torch.zeros(units, 12)
        expected.index_add_(0, torch.from_numpy(labels), centerd)
        sums.begin(int(labels[0]))
        for start in range(0, len(labels), batch):
            rows = slice(start, start + batch)
            vectors = phi[rows].clone()
            norms = center(vectors, mean, slices_of(blocks), runs_of(labels[rows]))
            torch.testing.assert_close(norms, squared_norms(centerd[rows], slices_of(blocks)))
            for run in runs_of(labels[rows]):
                sums.add(int(labels[rows][run.start]), vectors[run.start])
        found, present = sums.totals(), slice(labels[0], labels[-1] + 1)
        close: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}
        if exact:
            torch.testing.assert_close(found["units"], expected[present], **close)
            continue
        torch.testing.assert_close(found["units"], sketch(expected[present]), **close)
        for level, total in zip(found["levels"].tolist(), found["level_sums"], strict=True):
            torch.testing.assert_close(total, expected[(levels == level).any(axis=1)].sum(dim=0), **close)
        assert set(found["levels"].tolist()) == set(np.unique(levels[present]).tolist())

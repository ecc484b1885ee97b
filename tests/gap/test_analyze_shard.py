"""Shards made apart, as by an array of jobs, merge to the analysis of the whole."""

from pathlib import Path

import numpy as np
import pytest

from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.gap import Gap, analyze, analyze_shard

from .conftest import SIZE
from .measure.test_partials import Stopping, same, small_pieces as small_pieces, whole as whole


def test_shares_made_apart_merge(source: Dataset, target: Dataset, tmp_path: Path, whole: Gap) -> None:
    for number in (1, 2, 3):
        analyze_shard(source, target, (number, 3), size=SIZE, out=tmp_path / str(number))
    nothing = Stopping(0)  # neither side is looked at again
    merged = analyze(source, target, embedding=nothing, out=tmp_path / "1", merge=[tmp_path / "2", tmp_path / "3"])
    np.testing.assert_allclose(merged.levels["mmd2"], whole.levels["mmd2"], rtol=1e-5, atol=1e-6)
    same(merged, analyze(source, target, size=SIZE))


@pytest.mark.parametrize("shard", [(0, 3), (4, 3), (1, 0)])
def test_a_shard_that_there_is_not_is_refused(
    source: Dataset, target: Dataset, tmp_path: Path, shard: tuple[int, int]
) -> None:
    with pytest.raises(UsageError, match=f"Shard {shard[0]}/{shard[1]}"):
        analyze_shard(source, target, shard, out=tmp_path / "gap")
    assert not (tmp_path / "gap").exists()

"""On a full disk every verb that writes ends in one message, and goes on to the same bytes when there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from robustness.full_disk import QUICK, Disk, full_disk, judge

pytestmark = pytest.mark.slow


QUICKEST = ("generate", "train", "extract", "dataset import")
TIMES = 1  # each; ``bench/robustness.py`` tries every verb, and more often


@pytest.fixture(scope="module")
def disk(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with full_disk(made, tmp_path_factory.mktemp("disk")) as found:
        yield found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICKEST else pytest.mark.extended) for name in QUICK]
)
def test_a_full_disk_is_one_message_and_nothing_half_written(disk: Disk, name: str) -> None:
    found = list(judge(disk, name, np.random.default_rng(len(name)), TIMES))
    faults = [f"{fault}\n{outcome}" for outcome, fault in found if fault]
    assert not faults, "\n".join(faults)
    assert found[-1][0].code == 0  # with room again

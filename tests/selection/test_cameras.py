from dataclasses import replace

import numpy as np
import pytest

from closerlook.errors import CloserlookError, UsageError
from closerlook.gap.measure.cameras import Cameras
from closerlook.selection import select

from .conftest import Made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made() -> Made:
    """Camera 7 sees what the first two levels look like, camera 9 the others; eight runs, four of each camera."""
    made = Made((4, 3), 8, per_cell=24)
    rng = np.random.default_rng(1)
    made.source = rng.normal(size=made.source.shape) / 2 + (made.cells[made.cell, 0] >= 2)[:, None]
    made.target = rng.normal(size=made.target.shape) / 2 + (np.arange(40) >= 20)[:, None]
    measurement = made.remeasure()
    run, camera = np.arange(40) // 5, np.arange(40) // 20
    centerd = made.target - made.target.mean(axis=0)
    counts = np.array([[((run == r) & (camera == c)).sum() for c in (0, 1)] for r in range(8)])
    sums = np.array([[centerd[(run == r) & (camera == c)].sum(axis=0) for c in (0, 1)] for r in range(8)])
    squares = np.array([[[(centerd[(run == r) & (camera == c)] ** 2).sum()] for c in (0, 1)] for r in range(8)])
    empty = np.zeros((1, 2, 2))
    cameras = Cameras(
        names=np.array([7, 9]),
        counts=counts,
        distances=squares,
        bias=np.zeros((2, 1)),
        products=empty,
        level_dots=empty,
        sketches=(sums / np.maximum(counts, 1)[..., None]).astype(np.float32),
    )
    made.gap = replace(made.gap, measurement=replace(measurement, cameras=cameras))
    return made


def test_each_camera_gets_its_own_plan(made: Made) -> None:
    plans = {camera: select(made.gap.to_camera(camera), all_levels=[]) for camera in made.gap.camera_names}
    assert plans[7].values["f0"] == ("l0", "l1")
    assert plans[9].values["f0"] == ("l2", "l3")
    assert plans[7].provenance is not None
    assert plans[7].provenance.target == "target, camera 7"


def test_the_gap_to_a_camera_is_that_to_its_images_alone(made: Made) -> None:
    found = made.gap.to_camera(9).score({"f0": ["l2"]})
    alone = Made((4, 3), 8, per_cell=24)
    alone.source, alone.target = made.source, made.target[20:]
    spread = alone.remeasure()
    expected = replace(made.gap, measurement=spread).score({"f0": ["l2"]})
    assert found["mmd2"] == pytest.approx(expected["mmd2"], abs=0.02)
    assert found["total_loss"] == pytest.approx(expected["total_loss"], rel=0.05)


def test_a_camera_that_is_not_there_is_explained(made: Made) -> None:
    with pytest.raises(UsageError, match="camera of the target"):
        made.gap.to_camera(3)
    with pytest.raises(CloserlookError, match="cameras are not known"):
        Made((3, 2), 0).gap.to_camera(3)

import math

import numpy as np
import pytest

from closerlook.metrics.leave_one_out import mean_average_precision


def test_mean_average_precision_by_hand() -> None:
    angles = np.deg2rad([0, 10, 25, 90])
    features = np.column_stack([np.cos(angles), np.sin(angles)])
    # 0 and 25 degrees are one person: each finds the other behind 10; 10 finds 90 last, 90 finds 10 second
    assert mean_average_precision(features, np.array([0, 1, 0, 1])) == pytest.approx(
        (1 / 2 + 1 / 3 + 1 / 2 + 1 / 2) / 4
    )
    assert mean_average_precision(features, np.array([0, 1, 0, 2])) == pytest.approx(1 / 2)


def test_there_is_no_mean_where_nobody_has_a_match() -> None:
    assert math.isnan(mean_average_precision(np.eye(3), np.arange(3)))

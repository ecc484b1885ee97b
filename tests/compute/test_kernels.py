import pytest

from closerlook.compute.kernels import find_device
from closerlook.errors import UsageError


def test_devices_are_found_by_name():
    assert find_device("cpu") == "cpu"
    with pytest.raises(UsageError, match=r"Unknown --device 'gpu'.*Known: cpu"):
        find_device("gpu")

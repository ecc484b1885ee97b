from __future__ import annotations

from pathlib import Path

import pytest

from robustness.made import make_all


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_all(tmp_path_factory.mktemp("made"))

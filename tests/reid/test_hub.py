"""Models and data sets go to a hub and come back, against a server of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from closerlook.embedding.backbones import build
from closerlook.errors import CloserlookError
from closerlook.reid import Model
from closerlook.reid.network import FeatureNetwork
from reid.hub_server import Hub, running_hub

pytestmark = pytest.mark.slow

SIZE = (64, 32)
PUSH = "import closerlook as cl; print(cl.Model.load('run').push_to_hub('me/best', token='hf_x', private=True))"
PULL = """
import sys, numpy as np, torch, closerlook as cl
try:
    model = cl.Model.from_pretrained(sys.argv[1], token=False)
except cl.CloserlookError as error:
    sys.exit(f"error: {error}")
np.save("found.npy", model(torch.full((1, 64, 32, 3), 90, dtype=torch.uint8)).numpy())
"""
UPLOAD = """
import huggingface_hub as hub
api = hub.HfApi(token="hf_x")
api.create_repo("me/people", repo_type="dataset")
api.upload_folder(repo_id="me/people", repo_type="dataset", folder_path="shared")
path = hub.hf_hub_download("me/people", "README.md", repo_type="dataset", token=False)
assert "## Limits" in open(path, encoding="utf-8").read()
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as started:
        yield started


@pytest.fixture
def model(tmp_path: Path) -> Model:
    made = Model(FeatureNetwork(build("osnet_x0_25"), bnneck=True), name="tiny | x", size=SIZE, feature="bnneck")
    made.save(tmp_path / "run" / "model.safetensors")
    return made


def python(folder: Path, address: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"HF_ENDPOINT": address, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, **own, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("card", ["", "# The card of a run\n"])
def test_a_model_goes_there_and_comes_back(hub: Hub, model: Model, tmp_path: Path, card: str) -> None:
    if card:
        (tmp_path / "run" / "README.md").write_text(card)
    pushed = python(tmp_path, hub.address, PUSH)
    assert pushed.returncode == 0, pushed.stderr
    assert hub.address in pushed.stdout
    files = hub.files["models/me/best"]
    assert set(files) == {"README.md", "config.json", "model.safetensors"}
    assert files["model.safetensors"] == (tmp_path / "run/model.safetensors").read_bytes()
    text = files["README.md"].decode()
    if card:
        assert text == card
    else:
        assert yaml.safe_load(text.split("---")[1])["library_name"] == "closerlook" and "tiny \\| x" in text
    pulled = python(tmp_path, hub.address, PULL, "me/best")
    assert pulled.returncode == 0, pulled.stderr
    expected = model(torch.full((1, *SIZE, 3), 90, dtype=torch.uint8)).numpy()
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), expected)


def test_what_is_not_there_is_one_message(hub: Hub, tmp_path: Path) -> None:
    hub.files["models/me/other"] = {"README.md": b"no model"}
    hub.files["models/me/foreign"] = {"model.safetensors": b"no tensors"}
    for name, says in (
        ("me/nothing", "me/nothing"),
        ("me/other", "me/other"),
        ("me/foreign", "is damaged"),
        ("a b", "a b"),
    ):
        done = python(tmp_path, hub.address, PULL, name)
        assert done.returncode == 1 and says in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    done = python(tmp_path, "http://127.0.0.1:9", PULL, "me/best")
    assert done.returncode == 1 and "check the name, the network" in done.stderr


def test_a_folder_is_loaded_as_it_is(model: Model, tmp_path: Path) -> None:
    assert Model.from_pretrained(tmp_path / "run").name == "tiny | x"
    with pytest.raises(CloserlookError, match="no model"):
        Model.from_pretrained(tmp_path)


def test_a_data_set_for_the_hub_goes_there_with_its_card(hub: Hub, tmp_path: Path, people) -> None:
    from closerlook.dataset.export import export

    export(people, tmp_path / "shared", layout="parquet", license="cc0-1.0")
    done = python(tmp_path, hub.address, UPLOAD)
    assert done.returncode == 0, done.stderr
    assert "data/train-00000-of-00001.parquet" in hub.files["datasets/me/people"]

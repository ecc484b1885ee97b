from pathlib import Path

import numpy as np
import polars as pl
import simplejpeg
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.dataset import Dataset
from closerlook.embedding import Features


def test_features_of_one_split_in_every_format(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for index in range(6):
        image = rng.integers(0, 256, (64, 32, 3), dtype=np.uint8)
        (tmp_path / f"{index}.jpg").write_bytes(simplejpeg.encode_jpeg(image))
    rows = [
        {"file_name": f"{index}.jpg", "identity": index % 2, "split": ("query", "gallery")[index > 1]}
        for index in range(6)
    ]
    Dataset.from_table(tmp_path, pl.DataFrame(rows), "noise", ()).save()
    for name in ("f.safetensors", "f.parquet", "f.npz", "f.npy"):
        arguments = ["extract", "lite0", ".", "--split", "gallery", "--size", "64x32", "--out", name]
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        assert f"4 features of 1280 numbers in {name}" in done.output
    tensors, table = Features.load("f.safetensors"), Features.load("f.parquet")
    assert np.array_equal(tensors.features, table.features)
    for name in ("f.npz", "f.npy"):
        assert np.array_equal(Features.load(name).features, table.features)
    done = CliRunner().invoke(app, ["evaluate", "--query", "f.npy", "--gallery", "f.npz", "--protocol", "no-cameras"])
    assert done.exit_code == 0 and "mAP" in done.output
    assert tensors.identities.tolist() == [0, 1, 0, 1]
    assert pl.read_parquet("f.parquet")["file_name"].to_list() == ["2.jpg", "3.jpg", "4.jpg", "5.jpg"]
    np.testing.assert_allclose(np.linalg.norm(tensors.features, axis=1), 1, atol=1e-5)

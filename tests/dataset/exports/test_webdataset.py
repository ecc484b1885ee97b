import webdataset

from closerlook.dataset.decoding import read_image
from closerlook.dataset.export import export
from closerlook.dataset.exports import webdataset as exporter


def test_webdataset_reads_images_and_labels(rendered, tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "SHARD_BYTES", 3000)
    export(rendered, tmp_path / "out", layout="webdataset")
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert {name.partition("-")[0] for name in files} == {"train", "query", "gallery"}
    assert len(files) > 3
    for split in ("train", "query", "gallery"):
        data = rendered.split(split)
        urls = [str(path) for path in sorted((tmp_path / "out").glob(f"{split}-*.tar"))]
        found = list(
            webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8").to_tuple("__key__", "jpg;png", "json")
        )
        assert [key for key, _, _ in found] == sorted(key for key, _, _ in found)
        assert [image.shape for _, image, _ in found] == [(16, 8, 3)] * 2
        assert [row["identity"] for _, _, row in found] == data.table["identity"].to_list()
        assert [row["file_name"] for _, _, row in found] == data.table["file_name"].to_list()
        assert all(row["noise"] is None for _, _, row in found)
        if split == "gallery":  # PNG: any decoder gives the same
            assert [image.tobytes() for _, image, _ in found] == [read_image(path).tobytes() for path in data.paths]


def test_equal_images_give_equal_files(rendered, tmp_path):
    for name in ("a", "b"):
        export(rendered, tmp_path / name, layout="webdataset")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()

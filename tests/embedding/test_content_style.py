import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.embedding import ContentStyle, Layers, open_embedding, slices_of
from closerlook.embedding.content_style import HALVED_FROM, LAYERS, write_gram
from closerlook.errors import CloserlookError, UsageError

SIZE = (64, 32)


@pytest.fixture(scope="module")
def lite0() -> ContentStyle:
    return ContentStyle("lite0", SIZE)


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, *SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30, deadline=None)
@given(
    channels=st.sampled_from([1, 2, 3, 16, 95, HALVED_FROM, HALVED_FROM + 1, HALVED_FROM + 4]),
    positions=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)
def test_gram_vectors_have_the_inner_products_of_whole_gram_matrices(channels: int, positions: int, seed: int) -> None:
    x = torch.randn(3, channels, positions, 2, generator=torch.Generator().manual_seed(seed))
    out = torch.full((3, channels * (channels + 1) // 2), torch.nan)
    write_gram(x, out)
    flat = x.double().flatten(2)
    grams = (flat @ flat.mT).flatten(1)
    torch.testing.assert_close((out.double() @ out.double().T), grams @ grams.T, rtol=1e-5, atol=1e-4)


def test_blocks_lie_where_they_say(lite0: ContentStyle) -> None:
    phi = lite0(images(2))
    assert phi.shape == (2, lite0.dim)
    assert phi.dtype == torch.float32
    found = dict(lite0._activations(images(2)))
    for block, part in zip(lite0.blocks, slices_of(lite0.blocks), strict=True):
        activations = found[block.name].flatten(2).double()
        expected = activations @ activations.mT if block.term == "style" else activations
        got = phi[:, part].double()
        torch.testing.assert_close((got**2).sum(1), (expected**2).sum((1, 2)), rtol=1e-5, atol=0)


def test_weights_are_those_of_the_paper(lite0: ContentStyle) -> None:
    style = [block for block in lite0.blocks if block.term == "style"]
    assert [block.name for block in style] == list(LAYERS["lite0"].style)
    assert sum(LAYERS["lite0"].style.values()) == pytest.approx(1)
    # block0: 16 channels at half the resolution
    assert style[0].weight == pytest.approx(0.2 / (4 * 16**2 * (32 * 16) ** 2))
    assert [block.weight for block in lite0.blocks if block.term == "content"] == [0.5]


def test_layers_can_be_chosen() -> None:
    embedder = ContentStyle("lite0", SIZE, layers=Layers({"block2": 0.3, "block4": 0.7}, ("block4", "block7")))
    assert [(block.term, block.name) for block in embedder.blocks] == [
        ("style", "block2"),
        ("style", "block4"),
        ("content", "block4"),
        ("content", "block7"),
    ]


def test_an_image_does_not_depend_on_its_batch(lite0: ContentStyle) -> None:
    batch = images(5)
    torch.testing.assert_close(lite0(batch)[3:4], lite0(batch[3:4]), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "message"), [("vgg", "vgg19"), ("resnet50", "resnet50-pooled"), ("lite0-poold", "lite0-pooled")]
)
def test_unknown_names_suggest_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{message}'"):
        open_embedding(name)


def test_an_unknown_layer_is_named() -> None:
    with pytest.raises(UsageError, match="block99"):
        ContentStyle("lite0", SIZE, layers=Layers({"block99": 1.0}, ()))


def test_pooled_networks_have_one_block() -> None:
    embedder = open_embedding("lite0-pooled", SIZE)
    assert embedder(images(3)).shape == (3, 1280)
    (block,) = embedder.blocks
    assert (block.term, block.dim, block.weight) == ("feature", 1280, 1.0)


def test_a_function_of_the_users(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_embedding_1.py").write_text("def mean(images):\n    return images.float().mean((1, 2))\n")
    monkeypatch.chdir(tmp_path)
    embedder = open_embedding("my_embedding_1:mean", SIZE)
    assert (embedder.dim, embedder.size) == (3, SIZE)
    np.testing.assert_allclose(embedder(images(4)), images(4).float().mean((1, 2)))


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("return images.float().mean((1, 2, 3))", CloserlookError, "must return a tensor"),
        ("return None", CloserlookError, "must return a tensor"),
        ("raise ValueError('no')", CloserlookError, "ValueError: no"),
    ],
)
def test_a_wrong_function_is_explained(tmp_path, monkeypatch, body, error, message) -> None:
    name = f"wrong_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(f"def f(images):\n    {body}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        open_embedding(f"{name}:f", SIZE)


@pytest.mark.parametrize("reference", ["no_such_module:f", "json:no_such_function", "json:__doc__", ":f"])
def test_a_missing_function_is_a_usage_error(reference: str) -> None:
    with pytest.raises(UsageError, match="mbedding"):
        open_embedding(reference, SIZE)

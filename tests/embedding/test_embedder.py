import torch

from closerlook.embedding import Block, open_embedding

from .conftest import Mean


def test_what_an_embedder_does_not_say_has_a_default() -> None:
    mean = Mean()
    assert mean.blocks == (Block("feature", "feature", 3),)
    assert (mean.device, mean.parallel, mean.fingerprint) == (torch.device("cpu"), False, "")
    out = torch.empty(2, 3)
    mean.write(torch.full((2, 8, 4, 3), 7, dtype=torch.uint8), out)
    assert out.tolist() == [[7, 7, 7], [7, 7, 7]]


def test_an_embedder_is_opened_as_it_is() -> None:
    mean = Mean()
    assert open_embedding(mean, (128, 64)) is mean

import torch

from closerlook.dataset import Dataset
from closerlook.embedding import Block, extract, open_embedding

from .test_features import Mean, data as data


class Parallel(Mean):
    parallel = True


def test_what_an_embedder_does_not_say_has_a_default() -> None:
    mean = Mean()
    assert mean.blocks == (Block("feature", "feature", 3),)
    assert (mean.device, mean.parallel, mean.fingerprint) == (torch.device("cpu"), False, "")
    out = torch.empty(2, 3)
    mean.write(torch.full((2, 8, 4, 3), 7, dtype=torch.uint8), out)
    assert out.tolist() == [[7, 7, 7], [7, 7, 7]]


def test_several_threads_give_the_same_features_as_one(data: Dataset) -> None:
    assert extract(Parallel(), data).features.tolist() == extract(Mean(), data).features.tolist()


def test_an_embedder_is_opened_as_it_is() -> None:
    mean = Mean()
    assert open_embedding(mean, (128, 64)) is mean

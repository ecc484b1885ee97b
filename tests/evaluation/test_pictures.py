import numpy as np
import pytest
from PIL import Image, ImageDraw

from closerlook.dataset import Dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import resize
from closerlook.embedding import Embedder
from closerlook.errors import CloserlookError, UsageError
from closerlook.evaluation import (
    Result,
    attention,
    draw_rankings,
    evaluate,
    pictures,
    rank,
    ranked_lists,
    save_rankings,
)
from closerlook.evaluation.ranked_lists import read_ranked_lists, save_ranked_lists, telling


class Upper(Embedder):
    """Sees the upper half only."""

    name, size, dim = "upper", (32, 16), 3

    def __call__(self, images):
        return images[:, :16].float().mean((1, 2)) / 255


class Blind(Embedder):
    """Takes only the mean brightness, so it confuses people."""

    name, size, dim = "blind", (32, 16), 1

    def __call__(self, images):
        return images.float().mean((1, 2, 3))[:, None] / 255


def counts(picture, color):
    return int((np.asarray(picture) == color).all(axis=2).sum())


def test_right_answers_are_framed_green_and_wrong_ones_red(wardrobe, color):
    result = evaluate(color, wardrobe)
    one, four = (draw_rankings(result, [0], count=count) for count in (2, 4))
    assert counts(one, pictures.RIGHT) > 1000
    assert counts(one, pictures.WRONG) < 100  # every person has two gallery images, and both are found
    assert counts(four, pictures.WRONG) > 1000
    assert counts(four, pictures.RIGHT) == pytest.approx(counts(one, pictures.RIGHT), rel=0.05)


def test_answers_are_told_by_marks_too(wardrobe, color):
    """A tick and a cross differ without any color."""
    right, wrong = (Image.new("RGB", (16, 16), "white") for _ in range(2))
    for image, kind in ((right, pictures.RIGHT), (wrong, pictures.WRONG)):
        pictures._mark(ImageDraw.Draw(image), 2, 2, kind)
    inked = [(np.asarray(image) != 255).any(axis=2) for image in (right, wrong)]
    assert inked[0].any() and (inked[0] != inked[1]).sum() > 20


def test_queries_that_tell_are_mistakes_and_successes(wardrobe):
    result = evaluate(Blind(), wardrobe)
    chosen = telling(result, 4)
    aps = result.per_query["ap"].gather(chosen).to_list()
    assert chosen[0] == result.hardest_errors(1)["query"][0]
    assert {min(aps), max(aps)} == {result.per_query["ap"].min(), result.per_query["ap"].max()}


def test_ranked_lists_are_kept_as_they_were(wardrobe, tmp_path):
    result = evaluate(Blind(), wardrobe)
    lists = ranked_lists(result, count=1)
    save_ranked_lists(lists, tmp_path / "ranked.json")
    assert read_ranked_lists(tmp_path / "ranked.json") == lists
    for one in lists:
        assert any(image.match for image in one.nearest)  # the first match follows where it is not nearest
        assert one.nearest[-1].match is (one.nearest[-1].rank == one.first_hit)
    assert read_ranked_lists(tmp_path / "none.json") == []


def test_attention_adds_a_second_row(wardrobe, color):
    result = evaluate(color, wardrobe)
    plain, looked = (draw_rankings(result, [0], count=2, embedder=embedder) for embedder in (None, color))
    assert looked.height == 2 * plain.height
    assert not np.array_equal(np.asarray(looked)[plain.height :], np.asarray(plain))


def test_the_first_match_follows_where_it_is_not_among_the_nearest(wardrobe):
    result = evaluate(Blind(), wardrobe)
    failed = result.worst(1)
    assert failed["first_hit"][0] > 1
    picture = draw_rankings(result, [failed["query"][0]], count=1)
    assert counts(picture, pictures.RIGHT) > 1000
    assert counts(picture, pictures.WRONG) > 1000


def test_instructive_mistakes_are_confident_ones(wardrobe):
    result = evaluate(Blind(), wardrobe)
    table = result.hardest_errors()
    assert (table["first_hit"] > 1).all()
    assert table["margin"].is_sorted(descending=True)
    assert table["identity"].is_unique().all()
    first = table.row(0, named=True)
    ranked = result.ranked_list(first["query"], 100)
    right = ranked.filter("match")["distance"][0]
    wrong = ranked.filter(~ranked["match"])["distance"][0]
    assert first["margin"] == pytest.approx(1 - wrong / right)


def test_rankings_are_written_by_default_for_the_worst(wardrobe, tmp_path):
    save_rankings(evaluate(Blind(), wardrobe), tmp_path / "deep" / "ranked.png", count=3)
    assert Image.open(tmp_path / "deep" / "ranked.png").height > 400


def test_an_invalid_query_is_drawn_with_its_reason(wardrobe):
    lonely = wardrobe.take([0, 4, 5])  # person 1 is not in the gallery
    data = Dataset(lonely.root, lonely.table, "lonely")
    query, gallery = data.query, data.gallery
    with pytest.raises(CloserlookError):
        evaluate(Blind(), data)
    whole = wardrobe.take([0, 3, 4, 5])
    result = evaluate(Blind(), Dataset(whole.root, whole.table, "whole"))
    assert result.invalid == 1
    assert draw_rankings(result, [0], count=2).width > 0
    assert len(query) + len(gallery) == 3


def test_pictures_need_images(pair, tmp_path):
    result = rank(*pair)
    with pytest.raises(UsageError, match="no images"):
        draw_rankings(result)
    result.save(tmp_path / "r.json")
    with pytest.raises(UsageError, match="no images"):
        draw_rankings(Result.load(tmp_path / "r.json"))


def test_attention_lies_where_the_model_looks(wardrobe):
    image = resize(read_image(wardrobe.paths[0]), (32, 16))
    heat = np.abs(attention(Upper(), image))
    assert heat.shape == (32, 16)
    assert heat[:14].mean() > 20 * heat[20:].mean()


def test_attention_is_negative_where_two_images_differ():
    first = np.full((32, 16, 3), 128, np.uint8)
    first[:, :8] = (200, 60, 60)
    second = first.copy()
    first[16:] = (30, 200, 30)

    class Halves(Embedder):
        name, size, dim = "halves", (32, 16), 6

        def __call__(self, images):
            return images.float().reshape(len(images), 2, 16 * 16, 3).mean(2).reshape(len(images), 6) / 255

    heat = attention(Halves(), first, second)
    assert heat[:12].mean() > heat[20:].mean()
    assert heat[22:].mean() < 0


def test_blending_leaves_an_indifferent_image_in_its_colors():
    image = np.full((4, 4, 3), 90, np.uint8)
    assert np.array_equal(pictures.blend(image, np.zeros((4, 4))), image)

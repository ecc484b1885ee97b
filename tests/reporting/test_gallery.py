"""The gallery has images of every level, and fits."""

from closerlook.reporting import gallery as module
from closerlook.reporting.gallery import gallery


def test_every_level_has_its_nearest_and_its_farthest(source, gap, monkeypatch):
    monkeypatch.setattr(module, "SPREAD", 0)
    monkeypatch.setattr(module, "EXTREMES", 1)
    found = gallery(source, gap)
    assert found.ordered and found.total == len(source)
    captions = {picture.caption for picture in found.pictures}
    for factor in source.factors:
        for level in factor.levels:
            ordered = gap.losses.filter(gap.losses[factor.name] == level).sort("loss")
            for row in (ordered.row(0, named=True), ordered.row(-1, named=True)):
                assert f"{row['weather']} · {row['viewpoint']}" in captions
    losses = [float(picture.tip.split("loss ")[1].split(",")[0]) for picture in found.pictures]
    assert losses == sorted(losses)


def test_levels_are_told_by_number(source, gap):
    for picture in gallery(source, gap).pictures:
        weather, viewpoint = picture.caption.split(" · ")
        assert picture.levels == (source.factors[0].index(weather), source.factors[1].levels.index(int(viewpoint)))


def test_without_an_analysis_images_are_spread_over_the_data(source):
    found = gallery(source, None)
    assert not found.ordered and len(found.pictures) == len(source)


def test_a_gallery_takes_no_more_than_its_share(source, gap, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 40_000)
    found = gallery(source, gap)
    assert 0 < sum(len(picture.uri) for picture in found.pictures) <= 44_000

"""How alike two images are to a model, and what that means among pairs of known people."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.errors import CloserlookError, UsageError
from closerlook.evaluation import compare, pair_scale
from closerlook.reid import Model


def test_an_image_is_wholly_like_itself(wardrobe, color):
    same = compare(wardrobe.paths[0], wardrobe.paths[0], model=color)
    assert same.cosine == pytest.approx(1)
    assert same.euclidean == 0
    other = compare(wardrobe.paths[0], wardrobe.paths[3], model=color)
    assert other.cosine < 1
    assert other.euclidean > 0
    assert wardrobe.paths[3].name in str(other)
    assert "depends on the model" in str(other)


def test_known_pairs_say_whether_it_is_the_same_person(wardrobe, color, tmp_path):
    pairs = pair_scale(color, wardrobe)
    assert len(pairs.same) == 6 * 3  # three cameras: three pairs a person
    assert len(pairs.different) == 18 * 17 // 2 - 18
    assert np.median(pairs.same) > np.quantile(pairs.different, 0.9)
    alike = compare(wardrobe.paths[0], wardrobe.paths[1], model=color, reference=pairs, false_match_rate=0.05)
    assert "The same person, by threshold" in str(alike) and "for 5 % false matches" in str(alike)
    unlike = compare(wardrobe.paths[0], wardrobe.paths[3], model=color, reference=wardrobe, false_match_rate=0.05)
    assert "Two different people, by threshold" in str(unlike)
    again = compare(wardrobe.paths[0], wardrobe.paths[3], model=color, reference=unlike.point)
    assert (again.point, again.pairs) == (unlike.point, None)
    with pytest.raises(UsageError, match=r"135 pairs of different people: too few for a rate of 0\.001"):
        compare(wardrobe.paths[0], wardrobe.paths[3], model=color, reference=wardrobe)
    alike.save(tmp_path / "pair.png")
    assert Image.open(tmp_path / "pair.png").size[1] > 200


def test_a_scale_needs_pairs(wardrobe, color):
    with pytest.raises(CloserlookError, match="no two images"):
        pair_scale(color, wardrobe.query)


def test_comparing_something_that_is_no_image(wardrobe, color, tmp_path):
    (tmp_path / "b.jpg").write_text("no")
    with pytest.raises(CloserlookError, match=r"b\.jpg"):
        compare(wardrobe.paths[0], tmp_path / "b.jpg", model=color)


@pytest.mark.slow
def test_evaluate_leaves_a_threshold_that_compare_goes_by(wardrobe, tmp_path):
    run = str(tmp_path / "run")
    Model.pretrained("lite0", (64, 32)).save(tmp_path / "run" / "model.safetensors")
    pair = [str(wardrobe.paths[0]), str(wardrobe.paths[0])]
    done = CliRunner().invoke(app, ["compare", *pair, "--model", run], catch_exceptions=False)
    assert "depends on the model" in done.stdout
    arguments = ["evaluate", run, "--target", str(wardrobe.root), "--false-match-rate", "0.05"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0 and "for 5 % false matches" in done.stdout and "open set:" in done.stdout
    kept = json.loads((tmp_path / "run" / "operating_point.json").read_text())
    assert set(kept["roc"]) == {"threshold", "false_match_rate", "true_match_rate"}
    assert 0 <= kept["open_set"]["score"] <= 1
    done = CliRunner().invoke(app, ["compare", *pair, "--model", run], catch_exceptions=False)
    assert "The same person, by threshold" in done.stdout
    with pytest.raises(UsageError, match="leave out --rerank"):
        CliRunner().invoke(app, [*arguments, "--rerank"], catch_exceptions=False)
    with pytest.raises(UsageError, match="between 0 and 1"):
        CliRunner().invoke(app, [*arguments[:-1], "2"], catch_exceptions=False)

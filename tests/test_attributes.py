import pytest
from hypothesis import given, strategies as st

from closerlook.attributes import ILLUMINATIONS, WEATHERS, Design, Factor
from closerlook.errors import CloserlookError, UsageError

MARKET_VIEWS = [30, 60, 90, 120, 150, 330]
DUKE_VIEWS = [60, 90, 120, 150, 180, 210]
DAY = ["forenoon", "noon", "afternoon"]
# Every row of the paper's Tables 1 and 2: identities, kept levels, images.
ROWS = [
    (100, {}, 58_800),
    (400, {}, 235_200),
    (800, {}, 470_400),
    (800, {"weather": ["sunny", "clouds"]}, 134_400),
    (800, {"weather": ["foggy", "blizzard"]}, 134_400),
    (800, {"illumination": DAY}, 201_600),
    (800, {"viewpoint": MARKET_VIEWS}, 235_200),
    (800, {"viewpoint": DUKE_VIEWS}, 235_200),
    (800, {"viewpoint": MARKET_VIEWS, "weather": ["sunny", "clouds"], "illumination": DAY}, 28_800),
    (800, {"viewpoint": DUKE_VIEWS, "weather": ["foggy", "blizzard"], "illumination": DAY}, 28_800),
]


def test_gpr_plus_is_the_papers_design():
    design = Design.load("gpr-plus")
    assert len(design) == 475_104
    assert design.factor("viewpoint").levels == tuple(range(0, 360, 30))
    assert design.factor("weather").levels == WEATHERS
    assert design.factor("illumination").levels == ILLUMINATIONS
    assert len(Design.load("fine-gpr").factor("viewpoint")) == 36


@pytest.mark.parametrize(("identities", "levels", "images"), ROWS)
def test_product_subsets_have_the_sizes_of_the_papers_tables(identities, levels, images):
    assert len(Design.load("gpr-plus").subset(identities, **levels)) == images


@given(st.sets(st.sampled_from(WEATHERS), min_size=1), st.sets(st.sampled_from(range(0, 360, 30)), min_size=1))
def test_subset_size_is_the_product_of_its_levels(weathers, viewpoints):
    subset = Design.load("gpr-plus").subset(3, weather=sorted(weathers), viewpoint=sorted(viewpoints))
    assert len(subset) == 3 * len(weathers) * len(viewpoints) * 7
    cells = list(subset.cells())
    assert len(set(cells)) == len(cells) == subset.cells_per_identity
    assert {cell[1] for cell in cells} == weathers


def test_design_survives_yaml(tmp_path):
    import yaml

    path = tmp_path / "mine.yaml"
    design = Design("mine", 5, (Factor("fog", (0, 1, 2)), Factor("place", ("park", "street"))))
    path.write_text(yaml.safe_dump(design.to_dict(), sort_keys=False))
    assert Design.load(path) == design


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("identities: [", "not valid YAML"),
        ("identities: 5", "'identities: <number>'"),
        ("- 1", "must hold"),
        ("identities: 5\nfactors: {weather: sunny}", "must be a list"),
        ("identities: 5\nfactor: {weather: [a, b]}", "Did you mean 'factors'"),
        ("identities: 5\nfactors: {weather: [a, a]}", "names a level twice"),
        ("identities: 0\nfactors: {weather: [a, b]}", "at least one identity"),
    ],
)
def test_bad_design_files_say_what_is_wrong(tmp_path, text, says):
    path = tmp_path / "design.yaml"
    path.write_text(text)
    with pytest.raises(CloserlookError) as caught:
        Design.load(path)
    assert says in str(caught.value)


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'gpr-plus'"):
        Design.load("gpr-pluss")
    with pytest.raises(UsageError, match="Did you mean 'sunny'"):
        Design.load("gpr-plus").subset(weather=["suny"])
    with pytest.raises(UsageError, match="Unknown factor 'wether'"):
        Design.load("gpr-plus").subset(wether=["sunny"])
    with pytest.raises(UsageError, match="808 identities; 900"):
        Design.load("gpr-plus").subset(900)
    with pytest.raises(CloserlookError, match="There is no file"):
        Design.load("nowhere.yaml")

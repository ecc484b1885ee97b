"""There is something behind every name of an option, and nothing without one."""

from typing import get_args

from closerlook import choices
from closerlook.adaptation.search import SEARCHES
from closerlook.attributes import WEATHERS
from closerlook.dataset.export import LAYOUTS
from closerlook.dataset.formats import FORMATS
from closerlook.dataset.importing import BOXES
from closerlook.embedding.backbones import build
from closerlook.embedding.content_style import LAYERS
from closerlook.inputs import find_recipe, recipe_names
from closerlook.metrics.distance import METRICS
from closerlook.metrics.protocol import PROTOCOLS
from closerlook.reid import Recipe
from closerlook.selection.rules import parse_rule
from closerlook.study.tables import OWN, TABLES
from closerlook.synthesis.generation.annotating import KINDS
from closerlook.synthesis.scenes.sensor import SENSORS
from closerlook.synthesis.scenes.weather import WEATHERS as RENDERED


def test_names_are_those_of_the_registries() -> None:
    assert get_args(choices.SensorName) == tuple(SENSORS)
    assert get_args(choices.AnnotationKind) == tuple(KINDS)
    assert get_args(choices.Search) == SEARCHES
    assert get_args(choices.ProtocolName) == tuple(PROTOCOLS)
    assert get_args(choices.Metric) == tuple(METRICS)
    assert get_args(choices.TableName) == (*TABLES, OWN)
    assert get_args(choices.Layout) == tuple(LAYOUTS)
    assert set(choices.CROPPED) == set(BOXES)
    assert set(choices.FORMATS) == set(FORMATS)
    assert (*WEATHERS, *choices.MORE_WEATHERS) == tuple(RENDERED)
    assert set(LAYERS) == {name for name in choices.EMBEDDINGS if not name.endswith("-pooled")}


def test_every_backbone_can_be_built_and_every_recipe_read() -> None:
    for name in choices.BACKBONES:
        assert build(name).dim > 0
    for name in recipe_names():
        assert Recipe.resolve(name).name == find_recipe(name).stem == name


def test_the_papers_targets_are_rules() -> None:
    assert {parse_rule(f"paper:{name}").target for name in get_args(choices.TableName) if name != OWN} == set(TABLES)

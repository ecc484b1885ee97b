"""What a verb works on, found by names and files alone: a wrong one is told before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from closerlook.choices import BACKBONES, CROPPED, EMBEDDINGS, FORMATS, PATTERN
from closerlook.errors import CloserlookError, unknown

__all__ = [
    "GAP_FILE",
    "MODEL_FILE",
    "OPERATING_POINT_FILE",
    "RUN_FILE",
    "STUDY_FILE",
    "VALIDATION_FILE",
    "Reportable",
    "check_comparable",
    "check_embedding",
    "existing_data",
    "find_data",
    "find_file",
    "find_gap",
    "find_model",
    "find_recipe",
    "find_reportable",
    "model_file",
    "recipe_names",
]

GAP_FILE, MODEL_FILE, RUN_FILE = "gap.json", "model.safetensors", "run.json"
STUDY_FILE, VALIDATION_FILE = "study.json", "validation.json"
OPERATING_POINT_FILE = "operating_point.json"
RECIPES = Path(__file__).parent / "reid" / "recipes"

Reportable = Literal["study", "experiment", "analysis", "run"]


def find_data(source: str) -> tuple[str, Path]:
    """The format's name (empty where the path is to say) and the path of ``format:path`` or of a path by itself.

    ``~`` in front is the home folder; ``./~`` is a folder of that name.

    Raises:
        UsageError: the format's name is unknown.
        CloserlookError: nothing is named, or nothing is there.
    """
    name, colon, rest = source.partition(":")
    known = (*FORMATS, PATTERN, *CROPPED)
    if not (colon and name in known):
        if source and colon and not _path(source).exists():
            raise unknown("data set format", name, known)
        name, rest = "", source
    if not rest:
        raise CloserlookError(f"'{source}' names no folder or file; give NAME:PATH, such as market1501:/data/Market.")
    return name, existing_data(_path(rest))


def existing_data(path: Path) -> Path:
    """The path itself.

    Raises:
        CloserlookError: nothing is there.
    """
    if not path.exists():
        raise CloserlookError(
            f"There is no data set at {path}; give a folder, a .csv, .jsonl or .parquet file, or NAME:PATH."
        )
    return path


def find_file(path: Path, what: str) -> Path:
    """The path itself; ``what`` says in the message what was to be there: ``"image"``.

    Raises:
        CloserlookError: there is no such file.
    """
    if not path.exists():
        raise CloserlookError(f"There is no {what} {path}.")
    return path


def find_gap(folder: Path) -> Path:
    """The folder itself.

    Raises:
        CloserlookError: it holds no analysis.
    """
    if not (folder / GAP_FILE).exists():
        raise CloserlookError(
            f"{folder} holds no analysis, or not all of one (no {GAP_FILE}): make it with 'closerlook analyze'."
        )
    return folder


def find_model(model: str | Path) -> Path | None:
    """The file of a trained model, given itself or by its run's folder; None for the name of an untrained backbone.

    Raises:
        UsageError: it is no path, and no backbone has that name.
        CloserlookError: the folder holds no model.
    """
    path = Path(model)
    if path.exists() or path.name != str(model):
        return model_file(path)
    if str(model) not in BACKBONES and ":" not in str(model):
        raise unknown("model", model, ["a run's folder", *BACKBONES])
    return None


def model_file(path: Path) -> Path:
    """The file of a trained model, given itself or by its run's folder.

    Raises:
        CloserlookError: there is none.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    if not file.is_file():
        raise CloserlookError(f"There is no model {file}; 'closerlook train' makes one.")
    return file


def check_embedding(name: str) -> None:
    """Refuse what is neither an embedding's name nor looks like ``module:function``.

    Raises:
        UsageError: it names the nearest.
    """
    if name not in EMBEDDINGS and ":" not in name:
        raise unknown("embedding", name, [*EMBEDDINGS, "module:function"])


def recipe_names() -> list[str]:
    """The recipes that closerlook brings.

    Example:
        >>> from closerlook.reid import recipe_names
        >>> "baseline" in recipe_names()
        True
    """
    return sorted(file.stem for file in RECIPES.glob("*.yaml"))


def find_recipe(recipe: str) -> Path:
    """The file of a recipe, given by its name or as a YAML file.

    Raises:
        UsageError: it is neither.
        CloserlookError: there is no such file.
    """
    if recipe in recipe_names():
        return RECIPES / f"{recipe}.yaml"
    path = Path(recipe)
    if path.suffix not in (".yaml", ".yml"):
        raise unknown("recipe", recipe, [*recipe_names(), "path/to/recipe.yaml"])
    return find_file(path, "file")


def find_reportable(folder: Path) -> Reportable:
    """What a report on ``folder`` would be about.

    Raises:
        CloserlookError: there is no such folder, or it holds nothing to report on.
    """
    if not folder.is_dir():
        raise CloserlookError(f"There is no folder {folder}.")
    kinds: dict[str, Reportable] = {
        STUDY_FILE: "study",
        VALIDATION_FILE: "experiment",
        GAP_FILE: "analysis",
        RUN_FILE: "run",
    }
    for file, kind in kinds.items():
        if (folder / file).exists():
            return kind
    raise CloserlookError(
        f"{folder} holds neither a study ({STUDY_FILE}), an experiment ({VALIDATION_FILE}), an analysis ({GAP_FILE}) "
        f"nor a training run ({RUN_FILE})."
    )


def check_comparable(first: Path, second: Path) -> None:
    """Refuse two folders that no page compares: only two analyses, or two training runs.

    Raises:
        CloserlookError: one is missing or holds nothing to report on, or they are of other kinds.
    """
    kinds = find_reportable(first), find_reportable(second)
    if kinds[0] != kinds[1] or kinds[0] not in ("analysis", "run"):
        raise CloserlookError(
            f"{first} holds {_a(kinds[0])} and {second} {_a(kinds[1])}; what can be compared are two analyses or two "
            "training runs."
        )


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "ae" else f"a {kind}"


def _path(text: str) -> Path:
    return Path(text).expanduser() if text.startswith("~") else Path(text)

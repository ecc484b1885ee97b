"""Bringing data in: images of another layout beside a table, or images that are cut or written out for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from closerlook.choices import CROPPED, PATTERN
from closerlook.dataset.concatenation import concatenate
from closerlook.dataset.crops.boxes import Boxes, Cutting
from closerlook.dataset.crops.coco import read_coco
from closerlook.dataset.crops.cutting import cut
from closerlook.dataset.crops.mot import read_mot
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.export import import_table
from closerlook.dataset.formats.cuhk03 import VARIANTS
from closerlook.dataset.formats.cuhk03_mat import write_cuhk03
from closerlook.dataset.opening import open_dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.inputs import find_data

__all__ = ["BOXES", "Imported", "import_dataset"]

BOXES: dict[str, Callable[[Path, Path | None, Cutting], Boxes]] = {"coco": read_coco, "mot": read_mot}


@dataclass(frozen=True)
class Imported:
    """What was brought in.

    Attributes:
        data: the data set, as it now lies in its folder.
        note: in words, what was left out; empty where nothing was.
    """

    data: Dataset
    note: str = ""


def import_dataset(
    *sources: str,
    out: str | Path,
    name: str | None = None,
    frames: str | Path | None = None,
    cutting: Cutting | None = None,
) -> Imported:
    """Write a folder of closerlook's own with data in any layout, or with several together: images and one table.

    Images are hard links where the file system allows them; crops of ``coco:FILE`` and ``mot:FILE``, and the images
    inside CUHK03's ``cuhk-03.mat``, are written.

    Args:
        sources: as :func:`closerlook.open_dataset` takes them; only one where images are written.
        out: the folder, which must be new or empty.
        name: of ``pattern:FOLDER``.
        frames: folder of the frames that boxes are in.
        cutting: how crops are cut.

    Raises:
        UsageError: options that do not fit the source.
        CloserlookError: as :func:`closerlook.open_dataset`; or a frame is missing, or ``out`` exists already.

    Example:
        >>> from closerlook.dataset import import_dataset
        >>> found = import_dataset(str(data.root), out="people")
        >>> len(cl.open_dataset("people")) == len(data)
        True
    """
    folder = Path(out)
    forms = [find_data(source) for source in sources]
    written = [(form, path) for form, path in forms if form in CROPPED or _is_matrix(form, path)]
    if written and len(forms) > 1:
        raise UsageError("Images are cut or written out of one source at a time: import each into a folder of its own.")
    if (frames is not None or cutting is not None) and not (written and written[0][0] in CROPPED):
        raise UsageError("--frames and how crops are cut are for coco:FILE and mot:FILE alone.")
    if name is not None and PATTERN not in dict(forms):
        raise UsageError("--name is for pattern:FOLDER alone.")
    if not written:
        opened = [
            open_dataset(source, name=name if form == PATTERN else None)
            for source, (form, _) in zip(sources, forms, strict=True)
        ]
        import_table(concatenate(*opened), folder)
        return Imported(open_dataset(str(folder)))
    _refuse_existing(folder)
    form, path = written[0]
    if form not in CROPPED:
        return Imported(write_cuhk03(form, path, folder))
    chosen = Cutting() if cutting is None else cutting
    made = cut(path, BOXES[form](path, None if frames is None else Path(frames), chosen), chosen, folder)
    return Imported(made.data, note=str(made))


def _is_matrix(form: str, path: Path) -> bool:
    return form in VARIANTS and path.suffix.lower() == ".mat"


def _refuse_existing(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CloserlookError(f"{folder} exists already; remove it or choose another output folder.")

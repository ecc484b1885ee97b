"""From a design to a data set: every person in every viewpoint, weather and time of day.

A design is parsed to a request, which becomes one task per person, and what these write is finished as a data set. Each
image is a pure function of the settings and its own cell, so that worker count, order, subset and resuming leave its
bytes as they are. A person's folder and table appear together or not at all; the data set's table appears last.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Unpack

from closerlook.attributes import Design
from closerlook.compute.kernels import find_device
from closerlook.compute.processes import run_in_processes, worker_count
from closerlook.compute.progress import console, progress, step
from closerlook.dataset import Dataset, open_dataset
from closerlook.errors import CloserlookError
from closerlook.storage.files import alone_in, sweep
from closerlook.synthesis.generation.card import PERSON_WARNING
from closerlook.synthesis.generation.folder import check_space, finish, is_finished, settings_key, write_settings
from closerlook.synthesis.generation.render_person import prepare, render_person
from closerlook.synthesis.generation.request import Options, read_request
from closerlook.synthesis.generation.tasks import WORK_NAME, tasks_of

__all__ = ["generate"]


def generate(
    design: str | Path | Design = "gpr-plus",
    *,
    out: str | Path,
    workers: int | None = None,
    device: str = "cpu",
    **options: Unpack[Options],
) -> Dataset:
    """Render a design's people into a folder, and open it.

    A stopped run resumes when called again with the same settings; a finished one is only opened.

    Args:
        design: a name, a YAML file or a :class:`Design`, whose factors are viewpoint, weather, illumination and any
            parameters of a scene (``weather.extinction``, ``camera.height``, ``sensor.noise``).
        out: folder for the images and their table; new, empty, or left by the same call.
        workers: processes; one per core if ``None``.
        device: where to render, ``cpu`` or ``cuda:0``; a GPU is fed by all the processes. Its images differ a little
            from the CPU's.
        identities: number of people; the design's own number if ``None``.
        first_identity: number of the first person; people of other numbers, or of another seed, are other people.
        levels: the product subset to render, as ``{"weather": ["sunny", "clouds"]}``.
        size: (height, width) of the images.
        seed: of everything random.
        scene_per: what has its own pose, camera and place: each ``person`` (all images of one share them, only
            viewpoint and light differ), each viewpoint of a person (``view``), or each ``image``. With ``person`` the
            place tells who it is, from other viewpoints too; a warning says so.
        backdrops: places to draw from: names, or folders with empty frames of the user's own cameras (see
            scenes.pictures); all the named ones if ``None``.
        sensor: kind of camera: ``clean``, ``cctv`` or ``phone``.
        wardrobe: a MakeHuman data folder whose clothes, shoes, hair and skins are worn beside the procedural ones;
            ``$CLOSERLOOK_MAKEHUMAN`` if ``None``.
        population: the mix of people: a :class:`humans.Population`, or a YAML file with some of its shares.
        plan: render only the rows that it keeps.
        cameras: number of fixed cameras that people walk past, 2 to all of them each; see ``Design.cameras``. Then
            ``camera`` is the camera's number, and not that of the viewpoint. ``scene_per`` says whether each walk is
            seen in all weathers and lights (``view``) or each of these has a walk of its own (``image``).
        splits: people of odd numbers are to train on; of each other one, one image a camera is a query and the rest
            is gallery. Needs ``cameras``.
        storage: ``files``, a JPEG file an image in a folder a person; or ``shards``, a Parquet file a person with the
            same bytes and the table, which Hugging Face ``datasets`` reads.

    Raises:
        UsageError: a name is unknown or an option makes no sense.
        CloserlookError: the folder holds something else, or the disk is too small.

    Example:
        >>> levels = {"viewpoint": [0, 90], "weather": ["sunny"], "illumination": ["noon"]}
        >>> people = cl.generate("gpr-plus", identities=2, levels=levels, size=(64, 32), workers=1, out="people")
        >>> len(people), people.table["viewpoint"].unique().sort().to_list()
        (4, [0, 90])
    """
    root = Path(out)
    workers, device = worker_count(workers), find_device(device)
    with step("Planning the images"):
        request = read_request(design, options)
    key = settings_key(request, device)
    if is_finished(root, key):
        sweep(root)
        shutil.rmtree(root / WORK_NAME, ignore_errors=True)  # left where a run was killed when all else was done
        return open_dataset(root)
    if request.settings.scene_per == "person":
        console.print(f"[bold yellow]warning:[/] {PERSON_WARNING}", highlight=False)
    with alone_in(root, "rendering into"):
        if is_finished(root, key):  # by a run that has just ended
            return open_dataset(root)
        write_settings(root, key)
        people = tasks_of(request.settings, root, request.table, request.extra, device)
        tasks = [task for task in people if not task.is_done]
        left = sum(len(task.rows) for task in tasks)
        check_space(root, request.settings, left)
        if tasks:
            prepare(device)
        done = request.table.height - left
        with progress(f"Rendering {root.name}", request.table.height, done=done) as count:
            try:
                for task, _ in run_in_processes(render_person, tasks, workers):
                    count(len(task.rows))
                    left -= len(task.rows)
            except CloserlookError:
                check_space(root, request.settings, left)  # if the disk has become too small, say how much is needed
                raise
        with step("Writing the table"):
            return finish(root, request)

"""closerlook studio: turn the knobs of one scene, and see the person."""

from __future__ import annotations

from contextlib import suppress
from threading import Event
from typing import Annotated

import typer

from closerlook.cli.options import Seed, Size, loading, parse_size
from closerlook.cli.output import Found, answer, tell
from closerlook.inputs import find_data

__all__ = ["studio"]


def studio(
    target: Annotated[
        str | None, typer.Option(help="Real data to show the distance to: a folder of pictures, or FORMAT:PATH.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen at; the first free one from 7860.", min=1, max=65535)
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; 127.0.0.1 is for this machine alone.")] = "127.0.0.1",
    size: Size = "256x128",
    seed: Seed = 0,
) -> Found:
    """Turn the knobs of one scene in the browser, and see the person, rendered as they turn.

    Beside the picture are its distance to a target and, to be copied, the design and the command that render it.
    Nothing is sent anywhere; Ctrl-C ends it. Needs the extra: pip install 'closerlook[studio]'.
    """
    height_width = parse_size(size)
    if target is not None:
        find_data(target)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.studio import Knobs
        from closerlook.studio.page import build_page, serve

    real = None if target is None else open_dataset(target).train
    page = build_page(Knobs(seed=seed, size=height_width), real)
    url = serve(page, host, port)
    answer(f"The studio is at {url}")
    tell("Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        Event().wait()
    page.close(verbose=False)
    return {"url": url}

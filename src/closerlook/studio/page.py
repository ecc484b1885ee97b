"""The page: knobs on the left; the picture, its distance to a target, and its design and command on the right.

Gradio is imported where it is needed, as few have it. All that the page shows comes from this machine.
"""

from __future__ import annotations

import base64
import os
from html import escape
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from closerlook.attributes import ILLUMINATIONS, WEATHERS
from closerlook.choices import MORE_WEATHERS, SensorName
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.studio.fields import CAMERA, SHARES, read_fields
from closerlook.studio.knobs import Knobs, as_command, as_yaml
from closerlook.studio.nearness import LIMITS, Nearness
from closerlook.studio.picture import picture
from closerlook.synthesis.humans import Population
from closerlook.synthesis.scenes.backdrop import BACKDROPS
from closerlook.synthesis.scenes.camera import Camera

if TYPE_CHECKING:
    from gradio import Blocks

__all__ = ["build_page", "serve"]

# Label, from, to and step of each slider of the camera
SLIDERS = {
    "height": ("height, m", 0.5, 12.0, 0.1),
    "distance": ("distance, m", 2.0, 40.0, 0.5),
    "pitch": ("pitch, degrees down; the distance follows from it", 1.0, 60.0, 0.5),
    "occlusion": ("occlusion, about the share to be hidden", 0.0, 0.6, 0.05),
    "focal": ("focal length, mm", 8.0, 120.0, 1.0),
}
MEANING = "Squared distance of content and style to the mean of the target's images: the smaller, the nearer."
NO_TARGET = "<p>To see here how far the picture is from your own images, start with <code>--target DATA</code>.</p>"
CSS = """
footer { display: none !important }
.gradio-container { overflow: visible !important }
h1 { font-size: 1.2rem; font-weight: 600 }
#right { position: sticky; top: 12px; align-self: flex-start }
#picture { text-align: center }
#picture img { height: min(56vh, 512px); width: auto; margin: 0 auto; border-radius: 6px }
#distance p { margin: 0 0 .4em }
#distance .limits { font-size: .85em; opacity: .85 }
#wrong:not(:has(p)) { display: none }
#wrong p { margin: 0; padding: .5em .75em; max-height: 9em; overflow: auto }
#wrong p { border-left: 4px solid #dc2626; background: #dc26261a }
.texts textarea { font-family: ui-monospace, monospace; font-size: 12px; white-space: pre; overflow-x: auto }
.dark textarea { color-scheme: dark }
.label-wrap { text-align: left }
@media (max-width: 768px) { #right { position: static; order: -1 } .texts { flex-direction: column } }
"""


class Shown(NamedTuple):
    """What the page shows, in the order of its elements; the first two and the last are HTML."""

    picture: Any
    distance: Any
    design: Any
    command: Any
    wrong: str = ""


def build_page(start: Knobs, target: Dataset | None = None) -> Blocks:
    """The page with the knobs at their start, to be served.

    Args:
        start: also says the size of pictures and what images share, which have no knob.
        target: unlabeled training images to show the distance to.

    Raises:
        UsageError: Gradio is not installed, or a knob has a value that there is not.
    """
    gr = _gradio()
    near, one_at_a_time = None if target is None else Nearness(target), Lock()

    def turn(*values: object) -> Shown:
        try:
            knobs = read_fields(dict(zip(fields, values, strict=True)), start)
            with one_at_a_time:
                return _show(knobs, near)
        except CloserlookError as error:
            wrong = f'<p role="alert" tabindex="0">{escape(str(error))}</p>'
            return Shown(gr.skip(), gr.skip(), gr.skip(), gr.skip(), wrong)

    first = _show(start, near)
    page: Blocks = gr.Blocks(title="closerlook studio", analytics_enabled=False, fill_width=True)
    with page:
        gr.HTML("<h1>closerlook studio</h1>")
        with gr.Row():
            with gr.Column(scale=3, elem_id="knobs"):
                fields = _fields(start)
            with gr.Column(scale=2, elem_id="right"):
                seen = gr.HTML(first.picture, elem_id="picture")
                message = gr.HTML(elem_id="wrong")
                distance = gr.HTML(first.distance, elem_id="distance")
        with gr.Row(elem_classes="texts"):
            design, command = (
                gr.Textbox(text, label=label, lines=12, max_lines=12, buttons=["copy"], interactive=False, elem_id=name)
                for name, label, text in (
                    ("design", "As design YAML", first.design),
                    ("command", "As command", first.command),
                )
            )
        gr.on(
            [field.blur if name == "more" else field.change for name, field in fields.items()],
            turn,
            list(fields.values()),
            [seen, distance, design, command, message],
            queue=False,  # its ticks would cost more than a picture
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
    return page


def serve(page: Blocks, host: str = "127.0.0.1", port: int | None = None) -> str:
    """Serve a page until it is closed or the program ends.

    Args:
        page: that :func:`build_page` made.
        host: address of this machine to listen at; others reach the page unless it is 127.0.0.1.
        port: to listen at; the first free one from 7860 if ``None``.

    Returns:
        the page's URL.

    Raises:
        UsageError: one cannot listen there.
    """
    gr = _gradio()
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    try:
        _, url, _ = page.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            run_history=False,
            footer_links=[],
            theme=gr.themes.Default(primary_hue="indigo", **fonts),
            css=CSS,
        )
    except OSError:
        where = host if port is None else f"{host}:{port}"
        raise UsageError(
            f"Nothing can be served at {where}: give a free --port, and a --host of this machine."
        ) from None
    return str(url)


def _gradio() -> Any:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio
    except ModuleNotFoundError:
        raise UsageError("The studio needs the package gradio: pip install 'closerlook[studio]'.") from None
    return gradio


def _show(knobs: Knobs, near: Nearness | None) -> Shown:
    """The picture that knobs ask for, and all that is said of it."""
    jpeg = picture(knobs)
    what = f"Person {knobs.identity} at {knobs.viewpoint:g} degrees, {knobs.weather}, {knobs.illumination}"
    image = f'<img alt="{escape(what)}" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
    distance = NO_TARGET
    if near is not None:
        said = (
            f"<p><strong>{near.describe(jpeg)}</strong></p>",
            f"<p>{MEANING}</p>",
            f'<p class="limits">{LIMITS}</p>',
        )
        distance = "".join(said)
    return Shown(image, distance, as_yaml(knobs), as_command(knobs))


def _fields(start: Knobs) -> dict[str, Any]:
    """The fields of the page by name, drawn where this is called."""
    gr, fields = _gradio(), {}
    with gr.Row():
        fields["identity"] = gr.Number(start.identity, label="Person", precision=0)
        fields["seed"] = gr.Number(start.seed, label="Seed of people", precision=0)
        fields["viewpoint"] = gr.Slider(
            *(0, 355, start.viewpoint), step=5, label="Viewpoint; 90 faces the camera", scale=2, buttons=[]
        )
    fields["weather"] = gr.Radio([*WEATHERS, *MORE_WEATHERS], value=start.weather, label="Weather")
    fields["illumination"] = gr.Radio(list(ILLUMINATIONS), value=start.illumination, label="Illumination")
    with gr.Row():
        fields["backdrop"] = gr.Dropdown(list(BACKDROPS), value=start.backdrop, label="Place")
        fields["sensor"] = gr.Dropdown(list(get_args(SensorName)), value=start.sensor, label="Kind of camera")
    with gr.Accordion("Camera: drawn, unless set by hand", open=False):
        fields["chosen"] = gr.CheckboxGroup(list(CAMERA), value=[], label="Set by hand")
        usual = Camera()
        for name, (label, low, high, step) in SLIDERS.items():
            value = round(getattr(usual, name))
            fields[name] = gr.Slider(low, high, value, step=step, label=label, visible=False, buttons=[])
        sliders = [fields[name] for name in CAMERA]
        fields["chosen"].change(
            lambda chosen: [gr.update(visible=name in chosen) for name in CAMERA],
            fields["chosen"],
            sliders,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    with gr.Accordion("Clothes and people: shares of the mix that the person comes from", open=False), gr.Row():
        for name in SHARES:
            value = start.population.get(name, getattr(Population(), name))
            fields[name] = gr.Slider(0, 1, value, step=0.01, label=name, min_width=200, buttons=[])
    with gr.Accordion("Any scene parameter", open=False):
        fields["more"] = gr.Textbox(
            "",
            lines=3,
            label="One name=value a line; read when you leave the field",
            placeholder="weather.extinction=0.01\nsensor.noise=3",
        )
    return fields

"""The page of the studio: what a turned knob shows, what cannot be, and the verb that serves it."""

from __future__ import annotations

import base64
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from typer.testing import CliRunner

import closerlook.cli as cli
from closerlook.dataset import Dataset, open_dataset
from closerlook.errors import UsageError
from closerlook.studio import Knobs, as_command, as_yaml, picture
from closerlook.studio.page import build_page, serve

SMALL = Knobs(size=(64, 32))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of the studio as a target."""
    root = tmp_path_factory.mktemp("pictures")
    for number in range(6):
        (root / f"{number}.jpg").write_bytes(picture(Knobs(size=(64, 32), viewpoint=60.0 * number)))
    return root


@pytest.fixture(scope="module")
def target(folder: Path) -> Dataset:
    return open_dataset(f"folder:{folder}").train


class Page:
    """The page without a browser: its fields by label, and what they show."""

    def __init__(self, target: Dataset | None = None) -> None:
        blocks = build_page(SMALL, target)
        self._turn: Any
        (self._turn,) = (function for function in blocks.fns.values() if len(function.inputs) > 1)
        self.fields = {field.label: field.value for field in self._turn.inputs}

    def show(self, **turned: object) -> Any:
        """Picture, distance, design, command and what is wrong, with some fields by the beginning of their label."""
        values = dict(self.fields)
        for start, value in turned.items():
            (label,) = (label for label in values if label.startswith(start))
            values[label] = value
        return self._turn.fn(*values.values())


def jpeg(html: str) -> bytes:
    found = re.search(r"base64,([^\"]+)", html)
    assert found is not None
    return base64.b64decode(found[1])


def test_a_page_shows_the_picture_and_what_renders_it() -> None:
    page = Page()
    shown = page.show()
    assert jpeg(shown.picture) == picture(SMALL)
    assert shown.design == as_yaml(SMALL) and shown.command == as_command(SMALL)
    assert "--target DATA" in shown.distance and shown.wrong == ""


def test_every_field_is_a_knob() -> None:
    page = Page()
    camera = {"Set": ["height", "focal"], "height": 4.0, "focal": 50.0, "distance": 9.0}
    more = "\nsensor.noise = 3\nweather_extinction=0.01\n"
    shown = page.show(Person=7, Seed=3, Viewpoint=60, Weather="rain", Place="park", One=more, winter=0.4, **camera)
    knobs = Knobs(
        identity=7,
        seed=3,
        viewpoint=60.0,
        weather="rain",
        backdrop="park",
        parameters={"camera.height": 4.0, "camera.focal": 50.0, "sensor.noise": 3.0, "weather.extinction": 0.01},
        population={"winter": 0.4},
        size=SMALL.size,
    )
    assert shown.design == as_yaml(knobs)
    assert jpeg(shown.picture) == picture(knobs)
    assert yaml.safe_load(shown.design)["factors"]["camera_height"] == [4.0]


def test_the_distance_is_shown_with_what_it_means(target: Dataset) -> None:
    said = Page(target).show().distance
    assert re.search(r"\d\.\d\d from the target's mean", said)
    assert "the smaller, the nearer" in said and "One picture says little" in said


@pytest.mark.parametrize(
    ("turned", "says"),
    [
        ({"Person": None}, "number is empty"),
        ({"Person": 0}, "1 to 999,999"),
        ({"Seed": None}, "seed is empty"),
        ({"One": "camera.heigth=2"}, "camera.height"),
        ({"One": "camera.height"}, "must look like sensor.noise=3"),
        ({"One": "camera.height=tall"}, "must look like sensor.noise=3"),
        ({"One": "camera.height=99"}, "0 to 50"),
        ({"One": "camera.height=nan"}, "0 to 50"),
        ({"One": "sensor.noise=1\nsensor_noise=2"}, "set twice"),
        ({"Set": ["height"], "One": "camera.height=2"}, "set twice"),
        ({"summer": 0.9, "winter": 0.9}, "must be 1 at most"),
    ],
)
def test_what_cannot_be_is_told_and_the_last_picture_stays(turned: dict[str, object], says: str) -> None:
    shown = Page().show(**turned)
    assert says in shown.wrong and 'role="alert"' in shown.wrong
    assert all(kept == {"__type__": "update"} for kept in shown[:4])


def test_without_gradio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(UsageError, match=r"pip install 'closerlook\[studio\]'"):
        CliRunner().invoke(cli.app, ["studio"], catch_exceptions=False)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="give a free --port"):
            serve(build_page(SMALL), port=taken.getsockname()[1])


# In a real browser


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """The studio in a process of its own, as a user starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "closerlook", "studio", "--target", f"folder:{folder}", "--port", port]
    with subprocess.Popen([*command, "--size", "64x32"], stdout=subprocess.PIPE, text=True) as studio:
        assert studio.stdout is not None
        yield studio.stdout.readline().rpartition(" ")[2].strip()
        studio.terminate()


@pytest.mark.slow
def test_a_knob_that_is_turned_in_a_browser(browser: Any, url: str) -> None:
    assert url.startswith("http://127.0.0.1:")
    more = {"source": "performance.setResourceTimingBufferSize(10000)"}
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", more)
    size = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(url)
    wait = WebDriverWait(browser, 60)

    def text(name: str) -> str:
        return str(browser.find_element(By.CSS_SELECTOR, f"#{name} textarea").get_attribute("value"))

    def source() -> str:
        return str(browser.find_element(By.CSS_SELECTOR, "#picture img").get_attribute("src"))

    wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, "#picture img"))
    assert jpeg(source() + '"') == picture(SMALL)
    distance = browser.find_element(By.ID, "distance").text
    assert "from the target's mean" in distance

    slider = browser.find_element(By.CSS_SELECTOR, "input[type=range][aria-label*='Viewpoint']")
    slider.send_keys(Keys.ARROW_RIGHT)
    wait.until(lambda _: "- 95.0" in text("design"))
    turned = Knobs(viewpoint=95.0, size=SMALL.size)
    assert jpeg(source() + '"') == picture(turned)
    assert text("design") == as_yaml(turned) and text("command") == as_command(turned)
    assert browser.find_element(By.ID, "distance").text != distance

    label = "//*[@id='knobs']//label[.//span[normalize-space()='foggy']]"
    browser.find_element(By.XPATH, label).click()
    wait.until(lambda _: "- foggy" in text("design"))

    names = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(names) > 5
    assert {name.split("/")[2] for name in names if not name.startswith("data:")} == {url.split("/")[2]}
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 1280

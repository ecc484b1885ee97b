"""Pages in a real browser: what they say aloud, on a phone, in the dark and on paper, and what a click does."""

import base64
import io
from pathlib import Path

import polars as pl
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from closerlook.reporting import report
from closerlook.reporting.comparison import render_comparison

pytestmark = pytest.mark.slow

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then((found) => done(found.violations))"


@pytest.fixture
def show(browser):
    """Opens a page in a window of a width, in light or dark."""

    def open_page(path, width=1280, scheme="light"):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        browser.get(path.as_uri())
        return browser

    return open_page


@pytest.fixture(scope="session")
def pages(page, gap, source, tmp_path_factory):
    """A page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("one", "two"):
        gap.save(folder / name)
    comparison = folder / "comparison.html"
    comparison.write_text(render_comparison(folder / "one", folder / "two"), encoding="utf-8")
    return {"study": page, "analysis": report(folder / "one", source=source), "comparison": comparison}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
@pytest.mark.parametrize("kind", ["study", "analysis", "comparison"])
def test_nothing_is_wrong_for_anybody(show, pages, kind, width, scheme):
    browser = show(pages[kind], width, scheme)
    browser.execute_script(AXE)
    found = [(one["id"], one["impact"], one["nodes"][0]["html"][:200]) for one in browser.execute_async_script(RUN_AXE)]
    assert found == []
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    names = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith("data:") for name in names)
    assert pages[kind].stat().st_size < 5_000_000


def tip(browser):
    found = browser.find_element(By.ID, "tip")
    return found.text if found.is_displayed() else None


def test_a_mark_says_its_numbers_when_it_is_pointed_at_and_by_keys(show, page):
    browser = show(page)
    tracks = browser.find_elements(By.CSS_SELECTOR, "#differs .track")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", tracks[1])
    ActionChains(browser).move_to_element(tracks[1]).perform()
    assert tip(browser) == tracks[1].get_attribute("data-tip")
    assert tracks[1].get_attribute("aria-describedby") == "tip"
    browser.execute_script("arguments[0].focus()", tracks[0])
    assert tip(browser) == tracks[0].get_attribute("data-tip")
    ActionChains(browser).send_keys(Keys.ARROW_DOWN).perform()
    assert browser.switch_to.active_element == tracks[1]
    assert tip(browser) == tracks[1].get_attribute("data-tip")
    assert [track.get_attribute("tabindex") for track in tracks[:2]] == ["-1", "0"]
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert tip(browser) is None


def test_a_word_says_what_it_means(show, page):
    browser = show(page, 390)
    word = browser.find_element(By.CSS_SELECTOR, "#differs .term")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", word)
    word.click()
    assert "squared distance" in tip(browser)


def visible(browser):
    return [one for one in browser.find_elements(By.CSS_SELECTOR, ".pictures figure") if one.is_displayed()]


def test_the_gallery_shows_the_level_that_is_asked_for(show, page):
    browser = show(page)
    first = visible(browser)
    assert len(first) == 24
    assert browser.find_element(By.CSS_SELECTOR, ".count").text == "24 of 36 images shown"
    browser.execute_script("document.querySelector('.more').click()")
    assert len(visible(browser)) == 36
    Select(browser.find_element(By.CSS_SELECTOR, "[data-factor='0']")).select_by_visible_text("foggy")
    shown = visible(browser)
    assert {one.find_element(By.TAG_NAME, "figcaption").text.split(" · ")[0] for one in shown} == {"foggy"}
    assert len(shown) == 12
    places = [int(one.get_attribute("data-place")) for one in shown]
    Select(browser.find_element(By.CSS_SELECTOR, "[data-order]")).select_by_visible_text("farthest first")
    assert [int(one.get_attribute("data-place")) for one in visible(browser)] == sorted(places, reverse=True)
    assert places == sorted(places)


def test_a_picture_is_shown_large_and_put_away(show, page):
    browser = show(page)
    browser.execute_script("document.querySelector('.pictures .picture').click()")
    dialog = browser.find_element(By.TAG_NAME, "dialog")
    assert dialog.is_displayed() and "weather" in dialog.find_element(By.TAG_NAME, "p").text
    dialog.find_element(By.TAG_NAME, "button").click()
    assert not dialog.is_displayed()


def test_the_numbers_of_a_chart_can_be_taken_away(show, page, gap):
    browser = show(page)
    link = browser.find_element(By.CSS_SELECTOR, "[download='levels.csv']").get_attribute("href")
    table = pl.read_csv(io.BytesIO(base64.b64decode(link.partition(",")[2])))
    assert table["level"].to_list() == gap.levels["level"].to_list()


def test_on_paper_everything_is_open_and_closed_again(show, page):
    browser = show(page)
    closed = "return document.querySelectorAll('details:not([open])').length"
    before = browser.execute_script(closed)
    assert before > 0
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(closed) == 0
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(closed) == before
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert 2 <= pdf.count(b"/Type /Page\n") <= 9

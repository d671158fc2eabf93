"""The report in a real Chromium, at the width of a computer and of a telephone: no script of a name runs, nothing is cut off, and the keyboard reaches all."""

from __future__ import annotations

import functools
import json
import re
from html import unescape
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.kit import browser
from tests.unit.page.samples import report
from worker.page import render

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(browser.PROGRAM is None, reason="chromium is not installed (apt-get install chromium)"),
]

Measurements = dict[int, dict[str, Any]]
WIDTHS = (1280, 390)
HOSTILE = (
    "</style><script>hacked = 1</script><img src=x onerror='hacked = 1'>\"><svg onload='hacked = 1'>"
    + "a_name_without_a_blank_" * 8
)
LOOK = """
const measurements = {};
for (const frame of document.querySelectorAll('iframe')) {
  const page = frame.contentDocument, window_ = frame.contentWindow;
  const script = page.createElement('script');
  script.textContent = 'window.ran = 1';
  page.body.append(script);
  const wide = [...page.querySelectorAll('main *')].filter(one => !one.closest('.wide, .unseen, svg'));
  const reached = [...page.querySelectorAll('a[href], summary, [tabindex="0"]')];
  measurements[frame.id] = {
    hacked: window_.hacked ?? null, ran: window_.ran ?? null,
    foreign: page.querySelectorAll('img, iframe, script:not(:last-child)').length,
    styled: window_.getComputedStyle(page.body).marginTop,
    scrolls: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    cut: wide.filter(one => one.getBoundingClientRect().right > frame.clientWidth + 1).map(one => one.outerHTML.slice(0, 80)),
    unreached: reached.filter(one => { one.focus(); return page.activeElement !== one; }).length,
    reached: reached.length,
    name: page.querySelector('tbody .name').innerText,
    bars: [...page.querySelectorAll('.projects svg rect:not(.ground)')].map(one => Math.round(one.getBoundingClientRect().width)),
    plot: Math.round(page.querySelector('.plot svg').getBoundingClientRect().width),
  };
}
document.body.innerText = JSON.stringify(measurements);
"""


class Quiet(SimpleHTTPRequestHandler):
    """A request handler that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
        pass


@pytest.fixture(scope="module")
def measurements(tmp_path_factory: pytest.TempPathFactory) -> Measurements:
    """Return what a script in the browser measures on the report, by the width of its frame."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_text(render(report(name=HOSTILE)), encoding="utf-8")
    frames = "".join(
        f'<iframe id="{width}" src="report.html" style="width:{width}px;height:900px;border:0"></iframe>'
        for width in WIDTHS
    )
    (folder / "looks.html").write_text(f"<body>{frames}<script>onload = () => {{ {LOOK} }}</script>")
    with browser.serving(functools.partial(Quiet, directory=str(folder))) as address:
        document, _ = browser.seen(f"{address}/looks.html", folder)
    match = re.search(r"<body>(\{.*\})</body>", document, re.DOTALL)
    assert match, document[-2000:]
    return {int(width): seen for width, seen in json.loads(unescape(match[1])).items()}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_name_is_shown_and_never_run(measurements: Measurements, width: int) -> None:
    seen = measurements[width]
    assert (seen["hacked"], seen["foreign"]) == (None, 0)
    assert HOSTILE in seen["name"]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_policy_allows_its_own_style_and_no_script(measurements: Measurements, width: int) -> None:
    assert (measurements[width]["styled"], measurements[width]["ran"]) == ("0px", None)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off(measurements: Measurements, width: int) -> None:
    assert (measurements[width]["scrolls"], measurements[width]["cut"]) == (0, [])


@pytest.mark.parametrize("width", WIDTHS)
def test_every_link_and_every_fold_is_reached_by_the_keyboard(measurements: Measurements, width: int) -> None:
    assert measurements[width]["reached"] >= 7
    assert measurements[width]["unreached"] == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_and_plot_have_their_size(measurements: Measurements, width: int) -> None:
    """Of the first project a quarter is done, a quarter waits and half is blocked; of the second all is done."""
    done, waiting, blocked, all_done = measurements[width]["bars"]
    assert done > 20
    assert (waiting, blocked, all_done) == pytest.approx((done, 2 * done, 4 * done), abs=3)
    assert measurements[width]["plot"] > width / 2


def test_the_picture_shows_a_page(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(render(report()), encoding="utf-8")
    with browser.serving(functools.partial(Quiet, directory=str(tmp_path))) as address:
        _, picture = browser.seen(f"{address}/report.html", tmp_path)
    # A page without its style is a few kilobytes of text.
    assert picture.stat().st_size > 50_000

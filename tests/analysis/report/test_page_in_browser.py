"""The report in a real browser, at a desk's width and a telephone's. Without Chromium these tests are skipped."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
WIDTHS = (1280, 400)
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--virtual-time-budget=10000", "--host-resolver-rules=MAP * ~NOTFOUND")  # fmt: skip
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
MEASURE = """
const refused = [];
addEventListener("securitypolicyviolation", event => refused.push(event.blockedURI));
addEventListener("load", () => {
  document.querySelectorAll("details").forEach(one => one.open = true);
  const root = document.documentElement;
  const scrolls = one => one && (one.classList.contains("wide") || scrolls(one.parentElement));
  const wider = [...document.body.querySelectorAll("*")].filter(one =>
    one.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(one));
  const links = [...document.querySelectorAll('a[href^="#"]')].map(one => one.getAttribute("href").slice(1));
  parent.document.getElementById("measured").textContent = JSON.stringify({
    width: root.clientWidth,
    scroll: root.scrollWidth,
    images: [...document.images].map(one => [one.alt, one.complete, one.naturalWidth, one.naturalHeight]),
    wider: wider.map(one => one.outerHTML.slice(0, 80)),
    links: links,
    astray: links.filter(one => !document.getElementById(one)),
    refused: refused,
  });
});
"""


def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no chromium (make browser)")
    return found


def measured(page: str, width: int, folder: Path) -> dict[str, Any]:
    """What a page says of itself within a frame so wide: a window is never narrower than 500 pixels.

    A policy lets it show what it holds itself and nothing else, and what it asks for besides is told.
    """
    policy = f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}"><script>{MEASURE}</script>'
    inner = html.escape(page.replace("<head>", policy, 1), quote=True)
    frame = folder / "frame.html"
    frame.write_text(
        f'<meta charset="utf-8"><pre id="measured"></pre><iframe width="{width}" height="900" frameborder="0" '
        f'srcdoc="{inner}"></iframe>',
        encoding="utf-8",
    )
    command = [browser(), *QUIET, f"--user-data-dir={folder / 'profile'}", "--dump-dom", frame.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    (said,) = re.findall(r'<pre id="measured">(.*?)</pre>', ended.stdout, re.DOTALL) or [ended.stderr]
    assert said.startswith("{"), ended.stderr
    return json.loads(html.unescape(said))


@pytest.fixture(scope="module", params=WIDTHS)
def seen(report, request, tmp_path_factory) -> dict[str, Any]:
    page = report.page.read_text(encoding="utf-8")
    found = measured(page, request.param, tmp_path_factory.mktemp("browser"))
    assert found["width"] in (request.param, request.param - 15), "a scroll bar may stand beside the page"
    return found


def test_every_picture_is_loaded_and_described(seen, report) -> None:
    assert len(seen["images"]) == len(report.figures)
    for alt, complete, width, height in seen["images"]:
        assert complete and width > 300 and height > 100, alt
        assert alt


def test_nothing_is_wider_than_the_page(seen) -> None:
    assert seen["wider"] == []
    assert seen["scroll"] <= seen["width"]


def test_contents_lead_to_every_part(seen) -> None:
    assert seen["astray"] == []
    assert {"answer", "figures", "tables", "methods", "provenance"} <= set(seen["links"])


def test_nothing_is_fetched(seen, report) -> None:
    assert seen["refused"] == []
    page = report.page.read_text(encoding="utf-8")
    assert set(re.findall(r'(?:src|href)="(data:image/png|#|[^"]{0,20})', page)) == {"data:image/png", "#"}


def test_what_is_wider_than_the_page_is_found(tmp_path: Path) -> None:
    page = (
        '<html><head></head><body><p id="a" style="width: 900px">wide</p><a href="#b">b</a>'
        '<img alt="" src="https://example.invalid/x.png"></body></html>'
    )
    found = measured(page, 400, tmp_path)
    assert found["scroll"] > found["width"]
    assert [one[:9] for one in found["wider"]] == ['<p id="a"']
    assert found["astray"] == ["b"]
    assert found["images"][0][2] == 0
    assert found["refused"] == ["https://example.invalid/x.png"]

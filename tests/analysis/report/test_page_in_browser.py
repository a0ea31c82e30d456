"""The report in a real browser, at a desk's width and a telephone's, light and dark. Without Chromium these tests are
skipped."""

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
SCREENS = ((1400, "light"), (1400, "dark"), (390, "light"), (390, "dark"))
DARK = "--blink-settings=preferredColorScheme=0"
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
  const every = [...document.body.querySelectorAll("*")];
  const named = one => one.outerHTML.slice(0, 80);
  const wider = every.filter(one => one.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(one));
  const own = one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  const words = every.filter(one => own(one) && one.getClientRects().length && !one.closest("script, style"));
  const extent = one => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return range.getBoundingClientRect();
  };
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const paper = one => {
    for (let at = one; at; at = at.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = ([r, g, b]) => {
    const of = [r, g, b].map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * of[0] + 0.7152 * of[1] + 0.0722 * of[2];
  };
  const contrast = one => {
    const [a, b] = [light(channels(getComputedStyle(one).color)), light(paper(one))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const blocks = [...document.querySelectorAll("th, td, li, dd, dt, p, figcaption, h1, h2, h3, h4, summary, img")]
    .filter(one => one.getClientRects().length && one.textContent.trim() || one.tagName === "IMG");
  const covered = [];
  for (const box of document.querySelectorAll("tr, .first, body > *, details")) {
    const inside = blocks.filter(one => box.tagName === "TR" ? one.parentElement === box
      : one.parentElement === box || one.parentElement.parentElement === box);
    const spans = inside.map(one => one.tagName === "IMG" ? one.getBoundingClientRect() : extent(one));
    spans.forEach((a, i) => spans.slice(i + 1).forEach((b, j) => {
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 1 && y > 2 && !inside[i].contains(inside[i + 1 + j])) {
        covered.push([named(inside[i]), named(inside[i + 1 + j])]);
      }
    }));
  }
  const cut = words.filter(one => {
    const style = getComputedStyle(one);
    return style.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1 && !one.classList.contains("wide");
  });
  const links = [...document.querySelectorAll('a[href^="#"]')].map(one => one.getAttribute("href").slice(1));
  const column = () => [...document.querySelectorAll(".grid tbody tr")].map(row =>
    Number(row.querySelector("td:last-child").textContent.replace("\\u2212", "-")));
  const before = column();
  const head = document.querySelector(".grid th:last-child");
  const clicks = [before];
  if (head) for (const _ of [1, 2]) {
    head.querySelector("button").click();
    clicks.push(column());
  }
  parent.document.getElementById("measured").textContent = JSON.stringify({
    width: root.clientWidth,
    scroll: root.scrollWidth,
    images: [...document.images].map(one => [one.alt, one.complete, one.naturalWidth, one.naturalHeight]),
    wider: wider.map(named),
    covered: covered,
    cut: cut.map(named),
    pale: words.filter(one => contrast(one) < 4.5).map(named),
    small: words.filter(one => parseFloat(getComputedStyle(one).fontSize) < 11).map(named),
    paper: light(paper(document.body)),
    sorted: clicks,
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


def measured(page: str, width: int, folder: Path, scheme: str = "light") -> dict[str, Any]:
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
    dark = [DARK] * (scheme == "dark")
    command = [browser(), *QUIET, *dark, f"--user-data-dir={folder / 'profile'}", "--dump-dom", frame.as_uri()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    (said,) = re.findall(r'<pre id="measured">(.*?)</pre>', ended.stdout, re.DOTALL) or [ended.stderr]
    assert said.startswith("{"), ended.stderr
    return json.loads(html.unescape(said))


@pytest.fixture(scope="module", params=SCREENS, ids=str)
def seen(report, request, tmp_path_factory) -> dict[str, Any]:
    page = report.page.read_text(encoding="utf-8")
    width, scheme = request.param
    found = measured(page, width, tmp_path_factory.mktemp("browser"), scheme)
    assert found["width"] in (width, width - 15), "a scroll bar may stand beside the page"
    assert (found["paper"] < 0.1) == (scheme == "dark")
    return found


def test_every_picture_is_loaded_and_described(seen, report) -> None:
    assert len(seen["images"]) == len(report.figures)
    for alt, complete, width, height in seen["images"]:
        assert complete and width > 300 and height > 100, alt
        assert alt


def test_nothing_is_wider_than_the_page(seen) -> None:
    assert seen["wider"] == []
    assert seen["scroll"] <= seen["width"]


def test_no_words_cover_each_other_or_are_cut(seen) -> None:
    assert seen["covered"] == []
    assert seen["cut"] == []


def test_words_are_dark_on_light_or_light_on_dark_and_not_too_small(seen) -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5 to 1."""
    assert seen["pale"] == []
    assert seen["small"] == []


def test_a_click_on_its_head_sorts_a_column(seen, report) -> None:
    before, up, down = seen["sorted"]
    assert len(before) == len(report.analysis.table.runs)
    assert up == sorted(before) and down == sorted(before, reverse=True) and up != before


def test_contents_lead_to_every_part(seen) -> None:
    assert seen["astray"] == []
    assert {"answer", "runs", "figures", "tables", "methods", "provenance"} <= set(seen["links"])


def test_nothing_is_fetched(seen, report) -> None:
    assert seen["refused"] == []
    page = report.page.read_text(encoding="utf-8")
    assert set(re.findall(r'(?:src|href)="(data:image/png|#|[^"]{0,20})', page)) == {"data:image/png", "#"}


def test_what_is_wider_than_the_page_is_found(tmp_path: Path) -> None:
    page = (
        '<html><head></head><body><p id="a" style="width: 900px">wide</p><a href="#b">b</a>'
        '<table><tr><td style="max-width: 20px; white-space: nowrap">one long cell<td>another</table>'
        '<p style="color: #aaa; font-size: 8px; width: 30px; overflow: hidden; white-space: nowrap">pale and cut</p>'
        '<img alt="" src="https://example.invalid/x.png"></body></html>'
    )
    found = measured(page, 390, tmp_path)
    assert len(found["covered"]) == 1 and found["covered"][0][0].startswith("<td")
    assert [one[:8] for one in (*found["pale"], *found["small"], *found["cut"])] == ["<p style"] * 3
    assert found["scroll"] > found["width"]
    assert [one[:9] for one in found["wider"]] == ['<p id="a"']
    assert found["astray"] == ["b"]
    assert found["images"][0][2] == 0
    assert found["refused"] == ["https://example.invalid/x.png"]

"""The report in a real browser: no error, every figure seen, nothing wider than a phone, both schemes.

The page has no script of its own; a probe is added to a copy, and says what the browser made of it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from bandstop.report import FIGURES
from bandstop.report.collect import Collection, LeftOut
from bandstop.report.curves import CURVES
from bandstop.report.groups import GROUPS
from bandstop.report.html import page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium is not installed")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-device-scale-factor=1", "--enable-logging=stderr", "--v=0",
    "--virtual-time-budget=4000", "--dump-dom",
)  # fmt: skip
PHONE, DESK = 390, 1200
SCHEMES = {"dark": 0, "light": 1}

COLLECTOR = """<script>
window.problems = [];
addEventListener("error", e => problems.push(String(e.message || e.target.outerHTML)), true);
</script>"""
PROBE = """<script>
addEventListener("load", () => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  const rgb = s => (s.match(/[\\d.]+/g) || []).slice(0, 3).map(Number);
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(
    v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + .05) / (y + .05); };
  const card = rgb(getComputedStyle(document.querySelector(".card")).backgroundColor);
  const figures = {}, faint = [];
  for (const svg of document.querySelectorAll("figure svg")) {
    const box = svg.getBoundingClientRect();
    const drawn = [...svg.querySelectorAll("path, use, image, text")].filter(e => {
      const b = e.getBoundingClientRect(); return b.width + b.height > 0; });
    const texts = [...svg.querySelectorAll("text")];
    const sizes = texts.map(t => t.getBoundingClientRect().height).filter(h => h > 0);
    figures[svg.id] = [box.width, box.height, drawn.length, Math.min(...sizes)];
    if (!svg.closest(".picture")) for (const t of texts)
      if (contrast(rgb(getComputedStyle(t).fill), card) < 4.5) faint.push(svg.id + ": " + t.textContent);
  }
  const wide = [...document.body.querySelectorAll("*")].filter(e => !e.closest(".scroll") &&
    e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + " " + e.className);
  const found = {
    width: innerWidth, page: document.documentElement.scrollWidth, wide, figures, faint, card,
    problems, loaded: performance.getEntriesByType("resource").map(e => e.name),
  };
  parent.postMessage(JSON.stringify(found), "*");
});
</script>"""
HOST = """<!DOCTYPE html><meta name="color-scheme" content="light dark"><pre id="probe"></pre>
<script>addEventListener("message", e => document.getElementById("probe").textContent = e.data)</script>
<iframe src="page.html" style="width:{width}px;height:900px;border:0;color-scheme:light dark"></iframe>"""
"""A frame is as narrow as it is told to be; a window of the browser is at least 500 pixels wide."""


def seen(text: str, folder: Path, width: int = DESK, scheme: str = "light") -> dict:
    """What the browser makes of a page, and what it wrote on its console."""
    path = folder / "page.html"
    with_probe = text.replace("<head>", "<head>" + COLLECTOR, 1)
    path.write_text(with_probe.replace("</body>", PROBE + "</body>"))
    host = folder / "host.html"
    host.write_text(HOST.format(width=width))
    done = subprocess.run(
        [
            str(BROWSER), *FLAGS, f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", host.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    probe = re.search(r'<pre id="probe">(.+?)</pre>', done.stdout, re.DOTALL)
    assert probe, done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(unescape(probe[1])) | {"console": console}


@pytest.fixture(scope="module")
def text(sweep, papers) -> str:
    left = LeftOut("runs/" + "a-very-long-name-" * 12 + "/record.json", "is damaged")
    runs, listing = papers
    return page(Collection((*sweep, *runs), (left,), ("runs/unfinished",), listings=(listing,)))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_figure_is_seen_without_errors_overflow_or_pale_text(text, tmp_path, width, scheme):
    found = seen(text, tmp_path, width, scheme)
    assert found["width"] == width
    assert found["problems"] == found["console"] == found["loaded"] == []
    assert found["page"] <= width
    assert found["wide"] == []
    wanted = {f"d2-{name}" for name in CURVES if name != "side-by-side"}
    wanted |= {f"d1-{name}" for name in GROUPS} | {f"d2-best-{name}" for name in FIGURES}
    assert wanted <= set(found["figures"])
    for name, (across, down, drawn, smallest) in found["figures"].items():
        assert min(across, down) > 200, name
        assert drawn > 10, name
        assert smallest >= 8, name
    assert found["faint"] == []
    assert (sum(found["card"]) < 150) == (scheme == "dark")


PLANTS = {
    "a script that fails": ("<script>undefined.x</script>", "problems", "undefined"),
    "a word on the console": ("<script>console.error('oh')</script>", "console", "oh"),
    "something too wide": ("<div style='width:2000px'>.</div>", "wide", "DIV"),
    "a picture from elsewhere": ("<img src='gone.png'>", "problems", "gone.png"),
}


@pytest.mark.parametrize("kind", PLANTS)
def test_the_probe_sees_what_is_planted(kind, tmp_path):
    plant, key, words = PLANTS[kind]
    bare = f"<html><head></head><body><p class='card'>.</p>{plant}</body></html>"
    assert words in " ".join(seen(bare, tmp_path, PHONE)[key])

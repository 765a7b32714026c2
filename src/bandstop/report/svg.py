"""A figure as SVG to stand inside a page: no file beside it, its colours those of the page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from bandstop.report import style
from bandstop.text import in_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = (
    "INK", "SOFT", "FAINT", "PALE", "PAPER", "SHADE", "BLUE", "ORANGE", "GREEN", "PINK", "AMBER",
    "SKY",
)  # fmt: skip
"""Colours of the house style that become variables of the page, such as var(--ink)."""
VARIABLES = {getattr(style, name): f"--{name.lower()}" for name in NAMES}

_COLOUR = re.compile("|".join(map(re.escape, VARIABLES)), re.IGNORECASE)
_SIZE = re.compile(r'\s(?:width|height)="[\d.]+pt"')
_PAGE_WIDE = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
_HASH = re.compile(r'(?<=[#"])([\w-]*-[a-z])([0-9a-f]{10})(?=[")])')
"""An id that matplotlib made of an object's hash, which is another one in another process."""
_TAG = re.compile(r"<[^>]*>")
"""What is ours to change; between tags stands text, which may look like any of this."""
_REFERENCE = re.compile(r'(\bid="|href="#|url\(#)')


DARK = {
    "INK": "#e6eaf1", "SOFT": "#a3aebf", "FAINT": "#323b4a", "PALE": "#232b38", "PAPER": "#181e28",
    "SHADE": "#2a3342", "BLUE": "#4da3e0", "ORANGE": "#ef8a45", "GREEN": "#35c196", "PINK": "#dd9cc2",
    "AMBER": "#f0b840", "SKY": "#8bd0f7",
}  # fmt: skip
"""The house's colours in the dark."""


def scheme() -> str:
    """The variables of the figures as CSS: light, and dark where the reader asks for it."""
    light = "".join(f"--{n.lower()}:{getattr(style, n)};" for n in NAMES)
    dark = "".join(f"--{n.lower()}:{DARK[n]};" for n in NAMES)
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


INVERTED = "@media (prefers-color-scheme:dark){svg{filter:invert(.91) hue-rotate(180deg)}}"
"""For pictures, whose colours are no variables."""


def standalone(figure: Figure, name: str, title: str, adaptive: bool = True) -> str:
    """A file of its own, on paper of its own, light or dark as the reader's system is."""
    width, height = figure.get_size_inches()
    head, tail = inline(figure, name, title, adaptive).split(">", 1)
    size = f'width="{width * 100:.0f}" height="{height * 100:.0f}"'
    rules = "svg text{font-family:'DejaVu Sans',Verdana,system-ui,sans-serif}"
    paper = "var(--paper)" if adaptive else style.PAPER
    rules += scheme() if adaptive else INVERTED
    ground = f'<rect width="100%" height="100%" fill="{paper}"/>'
    return f"{head} {size}><style>{rules}</style>{ground}{tail}\n"


def inline(figure: Figure, name: str, title: str, adaptive: bool = True) -> str:
    """`<svg>` with a title for those who hear it, every id beginning with `name`, no background.

    adaptive  colours of the house style are the page's variables, with themselves as fallback;
              False for figures with pictures in them, which the page inverts as a whole in the dark
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = io.StringIO()
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "svg.image_inline": True}
    with style.house(), rc_context(settings):
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = _PAGE_WIDE.sub("", svg)
    numbers: dict[str, str] = {}

    def own(tag: str) -> str:
        tag = _REFERENCE.sub(rf"\g<1>{name}-", tag)
        tag = _HASH.sub(lambda m: m[1] + numbers.setdefault(m[2], f"{len(numbers)}"), tag)
        return _COLOUR.sub(lambda m: f"var({VARIABLES[m[0].lower()]})", tag) if adaptive else tag

    head, tail = _TAG.sub(lambda tag: own(tag[0]), svg).split(">", 1)
    label = in_html(title)
    head = f'{_SIZE.sub("", head)} id="{name}" role="img" aria-label="{label}"'
    return f"{head}><title>{label}</title>{tail.strip()}"

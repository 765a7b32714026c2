"""What README and docs/ tell a reader to type: commands and Python, in the order of each page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BEGINNINGS = ("bandstop ", "make ", "python benchmarks/")


@dataclass(frozen=True)
class Told:
    """A command of the shell, or a piece of Python (`language` "python"), as a page has it."""

    language: str
    text: str


def told(page: str) -> list[Told]:
    """Everything in fences or indented by four that is Python or begins like a command of ours.

    >>> page = "```\\nbandstop design \\\\\\n  --rate 0.9\\nls\\n```\\n\\n    make demo  # hm\\n"
    >>> [each.text for each in told(page)]
    ['bandstop design --rate 0.9', 'make demo  # hm']
    """
    found = []
    fenced = r"^```(?P<kind>\w*)\n(?P<inside>.*?)^```$"
    for block in re.finditer(rf"{fenced}|^(?P<indented>(?: {{4}}.*\n)+)", page, re.S | re.M):
        if block["kind"] == "python":
            found.append(Told("python", block["inside"]))
        elif not block["kind"] or block["kind"] in ("sh", "bash", "shell", "console"):
            text = re.sub(r"\\\n\s*", "", block["inside"] or block["indented"] or "")
            lines = (line.strip().removeprefix("$ ") for line in text.splitlines())
            found += [Told("shell", line) for line in lines if line.startswith(BEGINNINGS)]
    return found


def mentioned(page: str) -> list[str]:
    """Commands between single backticks in running text.

    >>> mentioned("see `bandstop table NAME`, `bandstop.load` and `make test`")
    ['bandstop table NAME', 'make test']
    """
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.S | re.M)
    return [
        m for m in re.findall(r"`([^`]+)`", prose.replace("\n", " ")) if m.startswith(BEGINNINGS)
    ]

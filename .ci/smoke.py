"""Does what was installed work? Run from a folder without the sources, by the environment's Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bandstop as bs

HERE = Path(sys.prefix).resolve()
COMMAND = HERE / "bin" / "bandstop"
SMALL = ("--steps", "50", "--heads", "2", "--filters", "6", "--chunks", "4", "--quiet")
COMMANDS = (
    ("--help",),
    ("--version",),
    ("data", "check", "synthetic:gestures"),
    ("design", "--rate", "0.9", *SMALL),
    ("compile", "net.bandstop", "-o", "wave.c"),
    ("report", "runs", "-o", "report.html"),
)
TYPED = """
import bandstop as bs

net: bs.Bundle = bs.design("synthetic", rate=0.9)
bs.load(5)  # type: ignore[arg-type]
"""


def main() -> None:
    assert Path(bs.__file__).resolve().is_relative_to(HERE), bs.__file__
    for words in COMMANDS:
        subprocess.run([COMMAND, *words], check=True)
        for bundle in Path("runs").glob("*-pmp-*/net.bandstop"):
            bs.load_bundle(bundle).save("net.bandstop")
    said = bs.load_bundle("net.bandstop").predict(bs.load("synthetic").sequences[0])
    assert abs(sum(said.probabilities.values()) - 1) < 1e-5
    assert Path("wave.h").exists()
    assert "<svg" in Path("report.html").read_text()
    Path("user.py").write_text(TYPED)
    subprocess.run([sys.executable, "-m", "mypy", "--strict", "user.py"], check=True)


if __name__ == "__main__":
    main()

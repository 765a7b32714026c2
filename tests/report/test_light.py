"""The room is light: no torch, and matplotlib only once something is drawn."""

from __future__ import annotations

import subprocess
import sys

LOADED = "import sys; print(*sorted({'torch', 'matplotlib', 'pandas'} & set(sys.modules)))"


def loaded_after(statement: str) -> list[str]:
    """Which heavy packages a fresh interpreter has after the statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{LOADED}"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_importing_the_room_loads_neither_torch_nor_matplotlib():
    assert loaded_after("import bandstop.report") == []


def test_drawing_loads_matplotlib_but_neither_its_global_state_nor_torch():
    draw = (
        "from bandstop.report.style import canvas, drawn, ramp\n"
        "from matplotlib.figure import Figure\n"
        "import sys\n"
        "from bandstop.report.figures import png\n"
        "draw = drawn(lambda record: (lambda f: (canvas(f), ramp(('#000000', '#ffffff')), f)[2])(Figure()))\n"
        "png(draw(None))\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert loaded_after(draw) == ["matplotlib"]


def test_the_check_would_see_a_planted_import(tmp_path):
    (tmp_path / "torch.py").write_text("")
    plant = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import bandstop.report, torch"
    assert loaded_after(plant) == ["torch"]

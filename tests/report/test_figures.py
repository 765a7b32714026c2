"""Every figure, on hand-made records of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from crowding import crowded, texts

from bandstop.errors import BadInput, Failure
from bandstop.record import pack
from bandstop.report import FIGURES, draw_all, png
from bandstop.report.masks import WIDTH, sections, shares, tiling
from bandstop.report.style import MARGIN
from bandstop.skeleton import LAYOUTS, Skeleton

WORM = Skeleton("worm", ("tail", "mouth", "fin"), ((0, 1), (0, 2)), (0, 1, 2), bodies=3)
KINDS = {
    "pmp, heads summed": {"prior": "laplace", "threshold": "prior"},
    "pmp, heads concatenated": {"fusion": "concat", "heads": 16, "filters": 64, "rate": 0.98},
    "pmp layer by layer in one epoch": {"prior": "uniform", "scope": "layer", "epochs": 1},
    "dense": {"method": "dense"},
    "mp, which has no history": {"method": "mp"},
    "mp-finetune with an exempt tensor": {"method": "mp-finetune", "exempt": ("dense",)},
    "nothing at all stays": {"empty": True, "epochs": 0},
    "hand with dead joints": {"skeleton": LAYOUTS["hand21"], "classes": 45, "dead": (3, 7)},
    "three bodies of an unknown skeleton": {"skeleton": WORM, "classes": 2, "dead": (2, 5)},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_of_every_kind_of_run_is_drawn_without_crowding(name, kind, make):
    figure = FIGURES[name](make(**KINDS[kind]))
    assert crowded(figure) == []
    assert all(t.get_fontsize() >= 7 for t in texts(figure))


def test_the_crowding_check_catches_a_text_over_another_and_one_outside(make):
    figure = FIGURES["training"](make())
    figure.text(*figure.texts[0].get_position(), "planted", va="top")
    assert any("planted" in words for words in crowded(figure))
    figure = FIGURES["training"](make())
    figure.text(0.99, 0.99, "planted outside")
    assert "planted outside" in crowded(figure)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_method_rate_and_accuracy(name, make):
    record = make(rate=0.95)
    said = " ".join(t.get_text() for t in FIGURES[name](record).texts)
    assert "pmp" in said
    assert f"rate {100 * record.result['rate']:.1f} %" in said
    assert f"accuracy {100 * record.result['accuracy']:.1f} %" in said


def test_all_figures_are_written_whole_and_nothing_else(make, tmp_path):
    folder = tmp_path / "run" / "figures"
    paths = draw_all(make(), folder)
    assert [p.name for p in paths] == [f"{name}.png" for name in FIGURES]
    assert sorted(folder.iterdir()) == sorted(paths)
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert content.endswith(b"IEND\xaeB`\x82")


def test_a_figure_is_the_same_bytes_again_whatever_the_users_matplotlib_settings_are(make):
    import matplotlib

    plain = png(FIGURES["training"](make()))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "text.color": "red"}):
        assert png(FIGURES["training"](make())) == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_a_folder_that_cannot_be_made_is_named(make, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot be made"):
        draw_all(make(), tmp_path / "file" / "figures")


def test_a_record_with_a_broken_skeleton_is_refused(make):
    record = make()
    record.skeleton["mirror"] = [0]
    with pytest.raises(BadInput, match="mirror"):
        FIGURES["skeleton"](record)


@pytest.mark.parametrize("fusion", ["sum", "concat"])
def test_masks_are_cut_into_heads_and_classes(fusion, make):
    record = make(fusion=fusion, heads=3, filters=6, classes=4)
    attention, filters, dense = sections(record)
    assert attention.panels.shape == (3, 30, 30)
    assert filters.panels.shape == (3, 10, 6)
    assert dense.panels.shape == (4, 30, 18 if fusion == "concat" else 6)
    assert dense.column_cuts == ([6, 12] if fusion == "concat" else [])
    assert attention.row_cuts == attention.column_cuts == [15]


def test_a_single_weight_that_stays_is_seen(make):
    record = make(empty=True, fusion="concat", heads=16, filters=64)
    blank = np.frombuffer(_pixels(record), dtype=np.uint8)
    mask = np.zeros(record.masks["dense"]["shape"], dtype=bool)
    mask[777, 13, 5] = True
    record.masks["dense"] = pack(mask)
    seen = np.frombuffer(_pixels(record), dtype=np.uint8)
    changed = (blank != seen).reshape(-1, 1440, 4).any(axis=2)
    rows = np.nonzero(changed[1200:])[0]  # below the headings, in the panels
    assert len(rows) >= 9


def _pixels(record) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(FIGURES["masks"](record))
    canvas.draw()
    return bytes(canvas.buffer_rgba())


def test_neighbouring_columns_share_a_cell_by_what_stays_of_them():
    panel = np.zeros((2, 10), dtype=bool)
    panel[0, [0, 1, 9]] = True
    assert shares(panel, 4).tolist() == [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    assert (shares(panel, 1) == panel).all()


@pytest.mark.parametrize("heads", [1, 2, 7, 8, 16, 45])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (30, 30), (24, 64), (21, 1024)])
def test_panels_never_overlap_nor_leave_the_page(heads, rows, columns):
    tiles = tiling(heads, rows, columns)
    width = -(-columns // tiles.block) * tiles.wide
    assert tiles.columns == 1 or tiles.pitch > width
    assert MARGIN + (tiles.columns - 1) * tiles.pitch + width <= WIDTH - MARGIN + 1e-9
    assert tiles.line > rows * tiles.high
    assert tiles.columns * -(-tiles.height // tiles.line) >= heads

"""Figures of a run, made from its record alone; torch is never loaded, matplotlib when one is drawn."""

from bandstop.report.figures import FIGURES, draw_all, png

__all__ = ["FIGURES", "draw_all", "png"]

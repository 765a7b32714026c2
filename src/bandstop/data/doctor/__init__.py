"""The data doctor: what a user should know about recordings before training on them."""

from bandstop.data.doctor.examine import Examination, examine, lines
from bandstop.data.formats.detect import detect

__all__ = ["Examination", "detect", "examine", "lines"]

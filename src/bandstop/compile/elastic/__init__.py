"""One C file for every rate of a trained range, switched at run time."""

from bandstop.compile.elastic.api import Elastic, compile_elastic
from bandstop.compile.ranked import Ranked

__all__ = ["Elastic", "Ranked", "compile_elastic"]

"""Scan: what a format's reader found in a folder or file, good and bad, before anything is refused.

Every format is one function `scan(path) -> Scan`. Loading refuses a scan with problems and names them
all; the doctor prints them and goes on with what could be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bandstop.data.sequence import Dataset, Fold, Sequence, TooShort
from bandstop.errors import BadInput, listed
from bandstop.skeleton import Skeleton


@dataclass
class Scan:
    """What was read, what could not be read (`problems`), what was left out on purpose (`notes`).

    kind   as of `Dataset`
    short  those of the problems that are sequences of fewer than 2 frames, which may be dropped
    """

    name: str
    skeleton: Skeleton
    classes: tuple[str, ...]
    sequences: list[Sequence] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folds: tuple[Fold, ...] = ()
    kind: str = "own"
    short: list[str] = field(default_factory=list)

    def refuse(self, error: BadInput, where: str = "") -> None:
        """Keep in mind why a sequence could not be read, and where it stands."""
        words = f"{where}: {error}" if where else str(error)
        self.problems.append(words)
        if isinstance(error, TooShort):
            self.short.append(words)

    def dataset(self) -> Dataset:
        """The data set, or BadInput with every problem that was found."""
        if self.problems:
            raise BadInput(f"{self.name}: {listed(self.problems)}")
        return Dataset(
            self.name,
            self.skeleton,
            self.classes,
            tuple(self.sequences),
            self.folds,
            tuple(self.notes),
            self.kind,
        )


def existing_folder(path: Path, remedy: str) -> Path:
    """The path, if it is a folder with something in it; else BadInput."""
    if not path.exists():
        raise BadInput(f"{path} does not exist; {remedy}")
    if not path.is_dir():
        raise BadInput(f"{path} is a file, not a folder; {remedy}")
    if not any(path.iterdir()):
        raise BadInput(f"{path} is empty; {remedy}")
    return path

"""The data doctor: what a user should know about recordings before training on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bandstop.data.doctor import anatomy, checks, content, orders
from bandstop.data.doctor.anatomy import Bone
from bandstop.data.doctor.checks import Finding
from bandstop.data.formats.detect import detect
from bandstop.data.scan import Scan
from bandstop.errors import BadInput

__all__ = ["Bone", "Examination", "Finding", "detect", "examine", "lines"]


@dataclass(frozen=True)
class Examination:
    """What was found; plain data.

    frames     of a sequence: fewest, median, most (None without sequences)
    classes    class name -> sequences
    groups     group -> sequences
    folds      (name, sequences to train on, sequences to test on)
    problems   what makes loading refuse the data
    notes      what was left out on purpose
    findings   what is doubtful about the rest
    """

    name: str
    skeleton: str
    nodes: int
    unit: str
    sequences: int
    unlabelled: int
    frames: tuple[int, float, int] | None
    classes: dict[str, int]
    groups: dict[str, int]
    folds: tuple[tuple[str, int, int], ...]
    bones: tuple[Bone, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """One sentence: can it be trained on?"""
        if self.problems:
            many = len(self.problems)
            count = f"{many} problems" if many > 1 else "1 problem"
            return f"not usable as it is: {count}, each with its remedy above"
        if len([c for c in self.classes.values() if c]) < 2:
            return "readable, but to train at least two classes with sequences are needed"
        doubts = len(self.findings)
        doubtful = f", with {doubts} finding{'s' * (doubts > 1)} to look at" if doubts else ""
        split = "" if self.folds else "; accuracy cannot be measured, because there is no split"
        return f"fit to train on{doubtful}{split}"

    def to_dict(self) -> dict[str, Any]:
        """Lists, numbers and text, for JSON, with the verdict."""
        return asdict(self) | {"verdict": self.verdict}


def examine(scan: Scan) -> Examination:
    """Look at everything a scan holds; nothing is changed and nothing refused."""
    skeleton, problems = scan.skeleton, list(scan.problems)
    sequences = [s for s in scan.sequences if s.positions.shape[1] == skeleton.nodes]
    folds = scan.folds if len(sequences) == len(scan.sequences) else ()
    if not problems or not folds:
        problems += _refused(scan)
    problems += content.nothing(skeleton, sequences)
    lengths = [s.frames for s in sequences]
    order = orders.order(skeleton, sequences)
    bones, odd = anatomy.bones(skeleton, sequences, in_order=not order)
    findings = [
        *checks.repeats(sequences, folds),
        *checks.splits(scan.classes, sequences, folds),
        *content.balance(scan.classes, sequences),
        *content.lengths(sequences),
        *content.bodies(skeleton, sequences),
        *content.still(sequences),
        *checks.still_frames(skeleton, sequences),
        *content.depth(sequences),
        *order,
        *odd,
        *anatomy.jumps(skeleton, sequences),
    ]
    labels = Counter(s.label for s in sequences)
    return Examination(
        name=scan.name,
        skeleton=skeleton.name,
        nodes=skeleton.nodes,
        unit=skeleton.unit,
        sequences=len(sequences),
        unlabelled=labels[None],
        frames=(min(lengths), float(np.median(lengths)), max(lengths)) if lengths else None,
        classes={name: labels[k] for k, name in enumerate(scan.classes)},
        groups=dict(sorted(Counter(s.group for s in sequences if s.group).items())),
        folds=tuple((f.name, len(f.train), len(f.test)) for f in folds),
        bones=bones,
        problems=tuple(problems),
        notes=tuple(scan.notes),
        findings=tuple(findings),
    )


def _refused(scan: Scan) -> list[str]:
    """Why the sequences do not make a data set together, if they do not."""
    try:
        Scan(scan.name, scan.skeleton, scan.classes, scan.sequences, folds=scan.folds).dataset()
    except BadInput as error:
        return [str(error)]
    return []


EXAMPLES, ACROSS = 3, 100
"""What is shown of a finding; and of what stands on both sides of a split, which makes every figure wrong."""


def lines(examination: Examination, examples: int = EXAMPLES) -> list[str]:
    """The examination for people, the verdict last; `examples` of every finding, 10 problems."""
    e = examination
    text = [
        f"{e.name}: {e.sequences} sequences of {e.nodes} nodes (skeleton {e.skeleton}, {e.unit})"
    ]
    if e.frames:
        text.append(f"frames: {e.frames[0]} to {e.frames[2]}, median {e.frames[1]:g}")
    counts = [f"{name} {count}" for name, count in e.classes.items()]
    text.append(f"classes: {len(e.classes)}: {_cut(counts, 60)}")
    if e.unlabelled:
        text.append(f"without a label: {e.unlabelled}")
    if e.groups:
        text.append(
            f"groups: {len(e.groups)}: {_cut([f'{g} {n}' for g, n in e.groups.items()], 30)}"
        )
    folds = [f"{name} {train}/{test}" for name, train, test in e.folds]
    text.append(f"folds (train/test): {_cut(folds, 20)}" if folds else "folds: none")
    if e.bones:
        text.append(f"bones: median {e.unit} (range over sequences; variation within one)")
        text += [
            f"  {b.name}: {b.median:.3g} ({b.low:.3g} to {b.high:.3g}; {b.variation:.0%})"
            for b in e.bones
        ]
    text += [f"note: {note}" for note in e.notes]
    for finding in e.findings:
        text.append(f"look at: {finding.check}: {finding.words}")
        shown = ACROSS if finding.check in checks.LEAKS else examples
        text += [f"  {where}" for where in finding.where[:shown]]
        if len(finding.where) > shown:
            text.append(f"  … and {len(finding.where) - shown} more, all of them with --json")
    text += [f"problem: {problem}" for problem in e.problems[:10]]
    if len(e.problems) > 10:
        text.append(f"  … and {len(e.problems) - 10} more problems")
    return [*text, f"verdict: {e.verdict}"]


def _cut(items: list[str], limit: int) -> str:
    more = f", … and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more

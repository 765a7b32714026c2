"""Skeleton: a value that checks itself when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bandstop.errors import BadInput, listed, short
from bandstop.schema import Fields, Many, Text, Whole
from bandstop.text import one_line

JOINTS, BODIES = 1000, 100
"""The largest skeleton: a body model of thousands of points is no skeleton of joints."""


@dataclass(frozen=True)
class Skeleton:
    """The joints of one body, the bones between them, and how many bodies a recording holds.

    name    short name, such as "sbu"
    joints  names of one body's joints, in the recordings' order
    bones   (parent, child) joint indices of one body; a forest: every joint has at most one parent
    mirror  for each joint the index of the joint on the other side (itself where there is none)
    bodies  bodies in a recording; node b * len(joints) + j is joint j of body b
    up      which of the coordinates x, y, z (0, 1, 2) points up or down: rotation turns about it
    side    which coordinate mirroring negates
    unit    of the coordinates, such as "mm"
    source  where the joint order is written down

    Errors: BadInput for a text that is not one printable line, or naming every other broken rule.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    mirror: tuple[int, ...]
    bodies: int = 1
    up: int = 1
    side: int = 0
    unit: str = "mm"
    source: str = ""

    def __post_init__(self) -> None:
        one_line(self.name, "a skeleton's name")
        for joint in self.joints:
            one_line(joint, f"skeleton {self.name!r}: a joint's name")
        one_line(self.unit, f"skeleton {self.name!r}: its unit")
        one_line(self.source, f"skeleton {self.name!r}: its source", longest=1000, empty=True)
        count, problems = len(self.joints), []
        if not 1 <= count <= JOINTS:
            problems.append(f"it has {count} joints, and 1 to {JOINTS} can be read")
        if len(set(self.joints)) != count:
            problems.append("joint names must differ from each other")
        if not 1 <= self.bodies <= BODIES:
            problems.append(f"it has {self.bodies} bodies, and 1 to {BODIES} can be read")
        if {self.up, self.side} - {0, 1, 2} or self.up == self.side:
            problems.append(f"up and side must be two of 0, 1, 2, not {self.up} and {self.side}")
        if sorted(self.mirror) != list(range(count)):
            problems.append(
                f"mirror must be a permutation of 0..{count - 1}, not {short(self.mirror)}"
            )
        elif any(self.mirror[self.mirror[j]] != j for j in range(count)):
            problems.append("mirror must be its own inverse: the mirror of left is right and back")
        if fault := _no_forest(self.bones, count):
            problems.append(f"bones must form a forest: {fault}")
        if problems:
            raise BadInput(f"skeleton {short(self.name)}: {listed(problems)}")

    @property
    def nodes(self) -> int:
        """Joints of all bodies together: the nodes of the graph signal."""
        return self.bodies * len(self.joints)

    @property
    def sided(self) -> bool:
        """Whether a body has left and right joints, so that its mirror image is a body of its kind.

        A hand has not: mirrored, a right hand is a left one, and a swipe to the left one to the right.
        """
        return self.mirror != tuple(range(len(self.joints)))

    @property
    def node_names(self) -> tuple[str, ...]:
        """One name a node; with several bodies each is prefixed with its body, as in `1.left hand`."""
        if self.bodies == 1:
            return self.joints
        return tuple(f"{b + 1}.{j}" for b in range(self.bodies) for j in self.joints)

    @property
    def node_bones(self) -> tuple[tuple[int, int], ...]:
        """The bones of every body, as node indices."""
        n = len(self.joints)
        return tuple((b * n + p, b * n + c) for b in range(self.bodies) for p, c in self.bones)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON; `from_dict` gives an equal skeleton back."""
        return {
            "name": self.name,
            "joints": list(self.joints),
            "bones": [list(b) for b in self.bones],
            "mirror": list(self.mirror),
            "bodies": self.bodies,
            "up": self.up,
            "side": self.side,
            "unit": self.unit,
            "source": self.source,
        }

    @staticmethod
    def from_dict(values: Any) -> Skeleton:
        """The skeleton that `to_dict` wrote. Errors: BadInput naming the field that is missing, not
        known or of another type."""
        FORM.check(values, "skeleton")
        lists = {name: tuple(values[name]) for name in ("joints", "mirror")}
        bones = tuple((parent, child) for parent, child in values["bones"])
        return Skeleton(**values | lists | {"bones": bones})


def _no_forest(bones: tuple[tuple[int, int], ...], count: int) -> str:
    """Why these bones are no forest over `count` joints, empty where they are; in linear time."""
    parent: dict[int, int] = {}
    for a, b in bones:
        if not (0 <= a < count and 0 <= b < count):
            return f"bone {a}-{b} names a joint outside 0..{count - 1}"
        if b in parent:
            return f"joint {b} has two parents, {parent[b]} and {a}"
        parent[b] = a
    rooted: set[int] = set()
    for start in parent:
        path, joint = [], start
        while joint in parent and joint not in rooted:
            rooted.add(joint)  # unless it is met again on this very path
            path.append(joint)
            joint = parent[joint]
        if joint in path:
            return f"following parents from joint {start} leads in a circle through joint {joint}"
    return ""


_JOINT = Whole(0, JOINTS)
FORM = Fields(
    {
        "name": Text(),
        "joints": Many(Text(), most=JOINTS),
        "bones": Many(Many(_JOINT, 2, 2), most=JOINTS),
        "mirror": Many(_JOINT, most=JOINTS),
    },
    {
        "bodies": Whole(1, BODIES),
        "up": Whole(0, 2),
        "side": Whole(0, 2),
        "unit": Text(),
        "source": Text(),
    },
)
"""What JSON must hold for a skeleton."""

"""Skeleton: a value that checks itself when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bandstop.errors import BadInput, listed


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

    Errors: BadInput, naming every rule that is broken.
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
        count, problems = len(self.joints), []
        if count == 0:
            problems.append("it has no joints")
        if len(set(self.joints)) != count:
            problems.append("joint names must differ from each other")
        if self.bodies < 1:
            problems.append(f"it needs at least one body, not {self.bodies}")
        if {self.up, self.side} - {0, 1, 2} or self.up == self.side:
            problems.append(f"up and side must be two of 0, 1, 2, not {self.up} and {self.side}")
        if sorted(self.mirror) != list(range(count)):
            problems.append(f"mirror must be a permutation of 0..{count - 1}, not {self.mirror}")
        elif any(self.mirror[self.mirror[j]] != j for j in range(count)):
            problems.append("mirror must be its own inverse: the mirror of left is right and back")
        children = [child for _, child in self.bones]
        if any(not 0 <= j < count for bone in self.bones for j in bone):
            problems.append(f"a bone names a joint outside 0..{count - 1}: {self.bones}")
        elif len(set(children)) != len(children) or self._has_cycle():
            problems.append("bones must form a forest: at most one parent a joint and no cycle")
        if problems:
            raise BadInput(f"skeleton {self.name!r}: {listed(problems)}")

    def _has_cycle(self) -> bool:
        parent = {child: par for par, child in self.bones}
        for start in parent:
            joint, seen = start, {start}
            while joint in parent:
                joint = parent[joint]
                if joint in seen:
                    return True
                seen.add(joint)
        return False

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
    def from_dict(values: Mapping[str, Any]) -> Skeleton:
        """The skeleton that `to_dict` wrote. Errors: BadInput for a missing or malformed field."""
        try:
            return Skeleton(
                name=str(values["name"]),
                joints=tuple(str(j) for j in values["joints"]),
                bones=tuple((int(p), int(c)) for p, c in values["bones"]),
                mirror=tuple(int(j) for j in values["mirror"]),
                bodies=int(values.get("bodies", 1)),
                up=int(values.get("up", 1)),
                side=int(values.get("side", 0)),
                unit=str(values.get("unit", "mm")),
                source=str(values.get("source", "")),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput(f"a skeleton needs name, joints, bones and mirror: {error!r}") from error

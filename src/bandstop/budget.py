"""Budget: how many weights may stay, and where. A value; every room that needs a rate takes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from bandstop.errors import BadInput, listed
from bandstop.number import real

SCOPES = ("global", "layer")


@dataclass(frozen=True)
class Share:
    """Tensors that compete for the same weights: `keep` of their `total` may stay."""

    names: tuple[str, ...]
    total: int
    keep: int

    @property
    def rate(self) -> float:
        return 1 - self.keep / self.total


@dataclass(frozen=True)
class Budget:
    """The rate to reach, over all prunable weights, and how layers take part.

    rate    fraction of all prunable weights to remove, in [0, 1); round((1 - rate) N) may stay
    scope   "global": all tensors compete for the budget; "layer": each gets the same rate
    exempt  tensors (patterns such as "dense" or "*.bias") that keep every weight; they count in N
    rates   tensors with a rate of their own; the others share what is left; where patterns overlap,
            exempt wins, and then the first rate

    Errors: BadInput for a value out of range or a name in both `exempt` and `rates`, naming all.
    """

    rate: float
    scope: str = "global"
    exempt: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        exempt = (self.exempt,) if isinstance(self.exempt, str) else self.exempt  # not its letters
        if not isinstance(exempt, tuple | list) or not all(isinstance(n, str) for n in exempt):
            problems.append(f"exempt must be names of tensors, not {self.exempt!r}")
            exempt = ()
        rates = self.rates
        if not isinstance(rates, Mapping) or not all(isinstance(name, str) for name in rates):
            problems.append(f"rates must be a rate for each tensor's name, not {self.rates!r}")
            rates = {}
        problems += [
            f"{name} must be in [0, 1), not {rate!r}"
            for name, rate in [("rate", self.rate), *rates.items()]
            if not 0 <= real(rate) < 1
        ]
        if not isinstance(self.scope, str) or self.scope not in SCOPES:
            problems.append(f"scope must be one of {', '.join(SCOPES)}, not {self.scope!r}")
        problems += [
            f"{name!r} is exempt and has a rate of its own; give it one of the two"
            for name in rates
            if name in exempt
        ]
        if problems:
            raise BadInput(f"budget: {listed(problems)}")
        object.__setattr__(self, "rate", real(self.rate))
        object.__setattr__(self, "exempt", tuple(exempt))
        object.__setattr__(self, "rates", {name: real(rate) for name, rate in rates.items()})

    def at(self, rate: float) -> Budget:
        """The same budget at another rate: a step of the rate's warm-up."""
        return Budget(rate, self.scope, self.exempt, self.rates)

    def resolve(self, sizes: Mapping[str, int]) -> tuple[Share, ...]:
        """Divide the budget among tensors of the given sizes; exempt tensors are in no share.

        Every tensor in a share keeps at least one weight, or the output could not depend on the input.

        >>> Budget(0.9).resolve({"attention": 700, "dense": 300})
        (Share(names=('attention', 'dense'), total=1000, keep=100),)
        >>> Budget(0.99, exempt=("dense",)).resolve({"filters": 23670, "dense": 640})
        Traceback (most recent call last):
        bandstop.errors.BadInput: budget unreachable: rate 0.99 keeps 243 of 24 310 weights, but \
`dense` is exempt with 640; lower the rate or prune `dense`
        """
        for pattern in (*self.exempt, *self.rates):
            if not any(fnmatchcase(name, pattern) for name in sizes):
                raise BadInput(
                    f"budget: no prunable tensor is named {pattern!r}; there are {', '.join(sizes)}"
                )
        total = sum(sizes.values())
        keep = round((1 - self.rate) * total)
        spent: dict[str, int] = {}
        shares = []
        for name, size in sizes.items():
            if _matches(name, self.exempt):
                spent[name] = size
            elif (own := _matches(name, tuple(self.rates))) is not None:
                spent[name] = max(1, round((1 - self.rates[own]) * size))
                shares.append(Share((name,), size, spent[name]))
        rest = {name: size for name, size in sizes.items() if name not in spent}
        left = keep - sum(spent.values())
        if left < len(rest):
            raise BadInput(self._unreachable(keep, total, spent, rest))
        if not rest:
            return tuple(shares)
        left = min(left, sum(rest.values()))
        if self.scope == "global":
            return (*shares, Share(tuple(rest), sum(rest.values()), left))
        return (*shares, *(Share((n,), rest[n], k) for n, k in _apportion(rest, left).items()))

    def _unreachable(
        self, keep: int, total: int, spent: Mapping[str, int], rest: Mapping[str, int]
    ) -> str:
        said = f"rate {self.rate:g} keeps {_number(keep)} of {_number(total)} weights"
        fixed = [
            f"`{name}` is exempt with {_number(size)}"
            if _matches(name, self.exempt)
            else f"`{name}` has a rate of its own and keeps {_number(size)}"
            for name, size in spent.items()
        ]
        if not fixed:
            return (
                f"budget unreachable: {said}, but a path from input to output needs one in each of "
                f"{len(rest)} tensors; lower the rate"
            )
        names = " or ".join(f"`{name}`" for name in spent)
        return (
            f"budget unreachable: {said}, but {', '.join(fixed)}; lower the rate or prune {names}"
        )


def _matches(name: str, patterns: tuple[str, ...]) -> str | None:
    return next((p for p in patterns if fnmatchcase(name, p)), None)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _apportion(sizes: Mapping[str, int], keep: int) -> dict[str, int]:
    """Divide `keep` in proportion to the sizes, at least one each, by largest remainders."""
    total = sum(sizes.values())
    exact = {name: keep * size / total for name, size in sizes.items()}
    parts = {name: max(1, int(value)) for name, value in exact.items()}
    order = sorted(sizes, key=lambda name: exact[name] - int(exact[name]), reverse=True)
    while sum(parts.values()) < keep:
        for name in order:
            if sum(parts.values()) < keep and parts[name] < sizes[name]:
                parts[name] += 1
    while sum(parts.values()) > keep:
        parts[max(parts, key=lambda name: parts[name])] -= 1
    return parts

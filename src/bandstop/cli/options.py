"""Command-line options made from the fields of Config, so that there is one list of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import typer

from bandstop.record import CHOICES, Config, read_toml, refuse_idle

TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "tuple[str, ...]": list[str],
}


def _parameter(field: Field) -> inspect.Parameter:
    words = field.metadata["help"]
    if field.default != ():
        given = field.default
        words += f" (default {', '.join(given) if isinstance(given, tuple) else given})"
    if owners := field.metadata["only"] or field.metadata["networks"]:
        words = f"{', '.join(owners)}: {words}"
    option = typer.Option(
        f"--{field.name.replace('_', '-')}",
        help=words,
        rich_help_panel=field.metadata["panel"],
        show_default=False,
        autocompletion=_choices_of(field.name),
    )
    option.default = None
    return inspect.Parameter(
        field.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=option,
        annotation=TYPES[str(field.type)] | None,
    )


def _choices_of(name: str) -> Callable[[str], list[str]] | None:
    """What the shell completes an option's value to."""
    valid = CHOICES.get(name, ())
    return (lambda incomplete: [v for v in valid if v.startswith(incomplete)]) if valid else None


def with_config_options(
    without: tuple[str, ...] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give `command(config, **rest)` an option for each field of Config, and --config for a file.

    Flags win over the file, the file over the defaults. A file may serve several methods; a flag that the
    run does not look at is refused.
    without  fields that the command sets itself; where the method is one, it looks for idle flags itself
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(command, eval_str=True).parameters.values()
        own = [p for p in parameters if p.name != "config"]
        shown = [f for f in fields(Config) if f.name not in without]
        file = inspect.Parameter(
            "config_file",
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=typer.Option(
                None, "--config", help="TOML file with any of these options; flags win"
            ),
            annotation=Path | None,
        )

        def wrapped(**given: Any) -> None:
            path = given.pop("config_file")
            flags = {f.name: given.pop(f.name) for f in shown}
            values = read_toml(path) if path is not None else {}
            values |= {name: value for name, value in flags.items() if value is not None}
            config = Config(**values)
            if "method" not in without:
                refuse_idle(config, [name for name, value in flags.items() if value])
            command(config, **given)

        every = [*map(_parameter, shown), file, *own]
        wrapped.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {p.name: p.annotation for p in every}
        wrapped.__doc__ = command.__doc__
        wrapped.__name__ = command.__name__
        return wrapped

    return decorate

"""The command line. Nothing heavy is imported before it is needed: `--help` answers at once."""

from __future__ import annotations

import io
import os
import sys
import traceback

import typer

from bandstop.cli.bench import bench
from bandstop.cli.compile import compile_
from bandstop.cli.data import app as data_app
from bandstop.cli.design import design
from bandstop.cli.extract import extract
from bandstop.cli.figures import figures
from bandstop.cli.inspect import inspect
from bandstop.cli.predict import predict
from bandstop.cli.report import report
from bandstop.cli.table import table
from bandstop.errors import BadInput, BandstopError
from bandstop.text import shown

UsageError: type[Exception] = typer.BadParameter.__bases__[0]
"""A wrong command line. Typer does not export it, and where it is defined depends on the version."""

INTERRUPTED = 130
OUT_OF_MEMORY = (
    "error: out of memory; use a smaller --batch or network, and let `bandstop data check` look for "
    "recordings far longer than the rest"
)
RESUMED = ("design", "table")
"""Commands that go on where they were stopped."""

app = typer.Typer(
    name="bandstop",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="From skeleton recordings and a budget to the smallest network that still recognises.",
    epilog="Every command explains itself with --help. Add --debug anywhere to see a traceback.",
)
app.command()(design)
app.command()(extract)
app.command()(predict)
app.command("compile")(compile_)
app.command()(bench)
app.command()(inspect)
app.command()(table)
app.command()(report)
app.command()(figures)
app.add_typer(data_app, name="data")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("bandstop"))
        raise typer.Exit


@app.callback()
def bandstop(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="print the version"
    ),
) -> None:
    """From skeleton recordings and a budget to the smallest network that still recognises."""


def run(arguments: list[str]) -> int:
    """Carry out a command line; the exit code. Expected errors are one sentence on stderr."""
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    try:
        code = app(args=arguments, prog_name="bandstop", standalone_mode=False)
        if code == INTERRUPTED:  # what newer typer makes of Ctrl-C; older ones raise
            return _stopped(arguments, debug)
        return code if isinstance(code, int) else 0
    except typer.Exit as error:
        return error.exit_code
    except UsageError as error:
        return _complain(f"error: {error.format_message()}", debug, BadInput.exit_code)  # type: ignore[attr-defined]
    except (typer.Abort, KeyboardInterrupt):
        return _stopped(arguments, debug)
    except BandstopError as error:
        return _complain(f"error: {error}", debug, error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"error: {where}{error.strerror or error}", debug, 1)
    except RuntimeError as error:
        if "memory" not in str(error):  # torch says so in several ways
            raise
        return _complain(OUT_OF_MEMORY, debug, 1)
    except MemoryError:
        return _complain(OUT_OF_MEMORY, debug, 1)


def _stopped(arguments: list[str], debug: bool) -> int:
    resumed = arguments and arguments[0] in RESUMED
    words = "stopped; the same command goes on from the last epoch" if resumed else "stopped"
    return _complain(words, debug, INTERRUPTED)


def _complain(sentence: str, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    if sentence != "error: ":  # after the help that a bare command prints
        print(shown(sentence, keep="\n"), file=sys.stderr)
    return code


def main() -> None:
    """The console script. A reader that closes our output early (`| head`) is no error, nor is a
    terminal without some of our characters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it was closed before we came
            stream.reconfigure(errors="replace")
    try:
        code = run(sys.argv[1:])
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)

"""Which format a path holds, judged by what is in it."""

from __future__ import annotations

from pathlib import Path

from bandstop.data.formats import csv_folder, fpha, sbu
from bandstop.data.formats.arrays import ZIP
from bandstop.errors import BadInput
from bandstop.read import opened


def detect(path: str | Path) -> str:
    """The spec of a bare path: "sbu:…", "fpha:…", "npz:…" or "csv:…".

    Errors: BadInput for a path that is missing or in which nothing fits.
    """
    path = Path(path)
    known = (
        f"a folder with {csv_folder.INDEX}, one with {fpha.POSES} and {fpha.SPLIT}, one with "
        f"<pair>/<class>/<take>/{sbu.FILE}, or an .npz file"
    )
    if not path.exists():
        raise BadInput(f"{path} does not exist; give {known}")
    if not path.is_dir():
        with opened(path, "arrays") as (file, _):
            if file.read(len(ZIP)) == ZIP:
                return f"npz:{path}"
        raise BadInput(f"{path} is a file, but no .npz; give {known}")
    if (path / csv_folder.INDEX).exists():
        return f"csv:{path}"
    if path.name == fpha.POSES or (path / fpha.POSES).exists() or (path / fpha.SPLIT).exists():
        return f"fpha:{path}"
    if next(path.glob(f"*/*/*/{sbu.FILE}"), None) is not None:
        return f"sbu:{path}"
    for inner, kind in ((f"*/{csv_folder.INDEX}", "csv"), (f"*/{fpha.SPLIT}", "fpha")):
        deeper = next(iter(sorted(path.glob(inner))), None)
        if deeper is not None:
            raise BadInput(
                f"{path} holds no recordings itself, but {deeper.parent} looks like {kind}: give "
                f"{kind}:{deeper.parent}"
            )
    raise BadInput(f"{path} holds nothing that is known; give {known}")

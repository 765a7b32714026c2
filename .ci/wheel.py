"""What a user gets, tried as a user has it: `make wheel`.

The sdist is built from what git tracks and the wheel from the sdist; both are looked into. The wheel is
installed into an environment of its own and its smoke test (smoke.py) is run from another folder. The
packages that it needs are those of this environment, lent by a path, for torch is large.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "bandstop"
LARGEST = 1_000_000
"""Bytes of a wheel: it has less than half of that."""


BUILD = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"
"""The hooks of PEP 517, called by hand."""


def run(*words: object, where: Path) -> None:
    """A command whose Python knows nothing of this checkout."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([str(word) for word in words], cwd=where, env=environment, check=True)


def tracked(folder: Path) -> Path:
    """The files that git tracks, alone in a folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def wrong_in_wheel(names: set[str]) -> list[str]:
    """What is missing of the package, and what is there that is none of it."""
    wanted = {f"bandstop/{path.relative_to(PACKAGE)}" for path in PACKAGE.rglob("*")
              if path.suffix in (".py", ".j2", ".typed")}  # fmt: skip
    wanted = {name for name in wanted if "__pycache__" not in name}
    own = {name for name in names if ".dist-info/" in name.partition("/")[0] + "/"}
    licence = [] if any(name.endswith("/LICENSE") for name in own) else ["missing: LICENSE"]
    return (
        [f"missing: {name}" for name in sorted(wanted - names)]
        + [f"should not be there: {name}" for name in sorted(names - wanted - own)]
        + licence
    )


def wrong_in_sdist(names: set[str]) -> list[str]:
    """What is neither the package nor how to build it."""
    known = (
        "src/",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "MANIFEST.in",
        "PKG-INFO",
        "setup.cfg",
    )
    inside = {name.partition("/")[2] for name in names} - {""}
    return [f"should not be there: {n}" for n in sorted(inside) if not n.startswith(known)]


def main() -> None:
    with TemporaryDirectory() as given:
        folder = Path(given).resolve()
        run(sys.executable, "-m", "venv", folder / "venv", where=folder)
        python = folder / "venv" / "bin" / "python"
        needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
        pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        run(*pip, *needs, where=folder)
        tree = tracked(folder / "tree")
        run(python, "-c", BUILD, "build_sdist", folder, where=tree)
        (sdist,) = folder.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            problems = wrong_in_sdist({m.name for m in archive if m.isfile()})
            archive.extractall(folder / "unpacked", filter="data")
        (unpacked,) = (folder / "unpacked").iterdir()
        run(python, "-c", BUILD, "build_wheel", folder, where=unpacked)
        (wheel,) = folder.glob("*.whl")
        problems += wrong_in_wheel(set(zipfile.ZipFile(wheel).namelist()))
        if wheel.stat().st_size > LARGEST:
            problems.append(f"the wheel has {wheel.stat().st_size} bytes")
        if problems:
            sys.exit("\n".join(problems))
        run(*pip, "--no-deps", wheel, where=folder)
        (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
        (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(ROOT / ".ci" / "smoke.py", elsewhere)
        run(python, "smoke.py", where=elsewhere)
        print(f"{wheel.name}: {wheel.stat().st_size} bytes, built, looked into and tried")


if __name__ == "__main__":
    main()

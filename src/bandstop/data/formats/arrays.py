"""Arrays out of .npy and .npz files: never unpickled, and no memory before the file is seen to have it."""

from __future__ import annotations

import math
import warnings
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from bandstop.errors import BadInput, several, short
from bandstop.read import opened

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
PLAIN, TIMES = 2**27, 20
"""An .npz may grow to 128 MiB, and beyond that to 20 times its own size: coordinates compress by 1 to 10."""
MEMBERS = 100
"""Arrays in one file."""
WRITTEN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How numpy writes; what else a zip may be asks for memory of its own."""


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an npz file, by name.

    Errors: BadInput for what is no complete npz, grows beyond measure or needs pickle.
    """
    with opened(path, "arrays") as (file, size):
        if file.read(len(ZIP)) != ZIP:
            raise BadInput(f"{path} is not an npz file; write it with numpy.savez")
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                _require_sane(members, size)
                return {_name(m): _member(archive, m) for m in members}
        except BadInput as error:
            raise BadInput(f"{path}{error}") from error
        except Exception as error:  # on damaged files zipfile raises whatever comes
            raise _damaged(path, error) from error


def read_npy(path: Path) -> np.ndarray:
    """The array in an npy file. Errors: as `read_npz`."""
    with opened(path, "arrays") as (file, size):
        try:
            return read_array(file, size)
        except BadInput as error:
            raise BadInput(f"{path}: {error}") from error
        except Exception as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> BadInput:
    why = short(f"{error}" or type(error).__name__, quoted=False)
    return BadInput(f"{path} is cut short or damaged ({why}); write or copy it again")


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _require_sane(members: list[zipfile.ZipInfo], size: int) -> None:
    """Errors: BadInput, to stand behind the file's name."""
    names = [_name(m) for m in members]
    most, grown = max(PLAIN, TIMES * size), sum(m.file_size for m in members)
    if len(members) > MEMBERS or len(set(names)) < len(names):
        raise BadInput(f" holds {len(names)} arrays, or two of one name; write it with numpy.savez")
    if grown > most:
        raise BadInput(
            f" has {size} bytes and would grow to {grown}, more than {most} ({PLAIN} or {TIMES} times "
            "its size); write it with numpy.savez, uncompressed"
        )
    if odd := [m.filename for m in members if not m.filename.endswith(".npy")]:
        raise BadInput(f" holds {several(odd)}, which is no array; write it with numpy.savez")
    if odd := [_name(m) for m in members if m.compress_type not in WRITTEN or m.flag_bits & 1]:
        raise BadInput(
            f" holds {several(odd)}, packed or encrypted as numpy does not; write it with numpy.savez"
        )


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    try:
        with archive.open(member) as file:
            return read_array(file, member.file_size)  # type: ignore[arg-type]
    except BadInput as error:
        raise BadInput(f", array {short(_name(member))}: {error}") from error


def read_array(file: BinaryIO, size: int) -> np.ndarray:
    """The array that `size` bytes of npy hold: plain numbers, truth values or text.

    Errors: BadInput where header and size do not fit, for Python objects and structures; and whatever
    numpy raises on a damaged header.
    """
    shape, fortran, kind = _header(file)
    if kind.hasobject:
        raise BadInput(
            "it holds Python objects, which are never loaded; write text as np.array(…, dtype=str)"
        )
    if kind.kind not in "biufU" or kind.subdtype or kind.itemsize == 0:
        raise BadInput(f"it holds {short(str(kind))}, not plain numbers or text; convert it")
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise BadInput(f"its shape is {short(shape)}; write the file again")
    count, begun = math.prod(shape), file.tell()
    if count * kind.itemsize != size - begun:
        raise BadInput(
            f"its header promises {count} x {kind.itemsize} bytes and {size - begun} follow; it is cut "
            "short or damaged: write the file again"
        )
    flat = np.empty(count, dtype=kind)
    into, at = flat.view(np.uint8).data if count else memoryview(b""), 0
    while at < len(into):
        got = file.readinto(into[at : at + 2**20])  # type: ignore[attr-defined]
        if not got:
            raise BadInput("it is cut short; write the file again")
        at += got
    if kind.kind == "U":
        _require_characters(flat)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise BadInput(
            f"it is written in version {version} of npy, and plain numbers are in 1 or 2"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headers that Python 2 wrote
        return readers[version](file)


def _require_characters(flat: np.ndarray) -> None:
    """Errors: BadInput for text that is none: four bytes may say what is no character."""
    codes = flat.view(np.dtype(f"{flat.dtype.byteorder}u4"))
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
        raise BadInput("it holds text with what is no character; write the file again")

"""What is done to arrays, to archives of them, to files of tensors; checksums are made right again."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import zipfile
from random import Random
from typing import Any

import numpy as np
import torch
from fuzz.plain import TOKENS, changed, json_text, json_value, raw, spelled
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from bandstop.bundle.bundle import _in_order as in_order
from bandstop.digest import digest

# --- arrays -------------------------------------------------------------------------------------


class Trap:
    """Unpickling it would make a file, which is looked for."""

    def __reduce__(self) -> tuple:
        return os.mkdir, (os.environ.get("CANARY", "canary") + "-unpickled",)


def npy(content: bytes, random: Random) -> bytes:
    """Another header, another shape, another type, other numbers."""
    if random.random() < 0.5:
        return npy_header(content, random)
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:
        return raw(content, random)
    out = io.BytesIO()
    np.save(out, odd_array(array, random), allow_pickle=True)
    return out.getvalue()


SIZES = ["0", "-1", "1", "4294967296", "9" * 30, "1.0", "True", "None", "1L"]
KINDS = [
    "'O'", "'<f8'", "'>f4'", "'|V12'", "'<U0'", "'<c16'", "'(9,9)f4'", "'<M8[ns]'", "[('a', '<f4')]",
    "'<U99999'", "'<f2'", "'|b1'", "3",
]  # fmt: skip


def npy_header(content: bytes, random: Random) -> bytes:
    start = 10
    length = int.from_bytes(content[8:start], "little")
    header = content[start : start + length].decode("latin1")
    old, new = random.choice([
        (r"\d+(?=,|\))", random.choice(SIZES)),
        (r"'<?[a-zA-Z|]\w*'", random.choice(KINDS)),
        ("False", "True"), ("'shape'", "'shap'"), (r"\(", "(" * random.choice([2, 300, 9000])),
        (r"\)", random.choice(["", ", 1)", "),", "))"])), ("{", random.choice(["", "[", "{'x': 1, "])),
        (r"$", random.choice(["\x00", "'", '"""', "\n" * 9000, "+1", "\\"])),
    ])  # fmt: skip
    header = re.sub(old, lambda _: new, header, count=random.choice([1, 0]))
    size = len(header) if random.random() < 0.8 else random.choice([0, 1, 65535])
    return (
        content[:8]
        + struct.pack("<H", min(size, 65535))
        + header.encode("latin1", "replace")
        + content[start + length :]
    )


def odd_array(array: np.ndarray, random: Random) -> np.ndarray:
    made = np.array(array)
    way = random.choice(["value", "value", "type", "shape", "empty", "object", "twice", "order"])
    if way == "value" and made.size and made.dtype.kind in "iuf":
        place = random.randrange(made.size)
        numbers: list[Any] = [0, -1, 1, 2, 255, 2**31 - 1, -(2**63), 2**63 - 1, 2**62]
        numbers += [np.nan, np.inf, 3e38, -3e38, 1e-45] if made.dtype.kind == "f" else []
        with np.errstate(all="ignore"):
            made.reshape(-1)[place] = np.array(random.choice(numbers)).astype(made.dtype)
    elif way == "value" and made.size and made.dtype.kind == "U":
        made = made.astype("<U300").reshape(made.shape)
        made.reshape(-1)[random.randrange(made.size)] = random.choice([t[:300] for t in TOKENS])
    elif way == "type":
        kinds = ["f2", "f4", "f8", "i1", "i8", "u1", "u8", "U5", "c8", "?", "S4", ">f8", "M8[s]"]
        try:
            with np.errstate(all="ignore"):
                made = made.astype(random.choice(kinds))
        except (ValueError, TypeError):
            made = made.reshape(-1)[:0]
    elif way == "shape":
        made = random.choice([made.reshape(-1), made[None], made.T, made.reshape(-1, 1)])
    elif way == "empty":
        made = made[:0] if made.ndim else made.reshape(1)[:0]
    elif way == "object":
        made = np.array([Trap(), 1], dtype=object)
    elif way == "twice" and made.ndim:
        made = np.concatenate([made, made])
    elif way == "order":
        made = np.asfortranarray(made[::-1] if made.ndim else made)
    return made


def zip_members(content: bytes, random: Random) -> bytes:
    """The archive written again with one member other, gone, doubled, renamed or packed otherwise."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(m.filename, archive.read(m)) for m in archive.infolist()]
    except Exception:
        return raw(content, random)
    if not members:
        return raw(content, random)
    at = random.randrange(len(members))
    name, data = members[at]
    way = random.choice(
        ["npy", "npy", "npy", "npy", "drop", "twice", "rename", "pack", "bomb", "raw", "add"]
    )
    if way == "npy":
        members[at] = name, npy(data, random)
    elif way == "drop":
        del members[at]
    elif way == "twice":
        members.append((name, npy(data, random)))
    elif way == "rename":
        members[at] = (
            random.choice(
                ["x.npy", "../x.npy", "positions", "a" * 9000 + ".npy", "names.npy", "é.npy"]
            ),
            data,
        )
    elif way == "bomb":
        frames = random.choice([2**20, 2**21])  # 75 and 151 MB, packed to a hundredth
        members[at] = name, _bare(f"({frames}, 6, 3)") + b"\x00" * (frames * 72)
    elif way == "raw":
        members[at] = name, raw(data, random)
    elif way == "add":
        members.append(
            (
                random.choice(["groups.npy", "split.npy", "skeleton.npy", "z.npy", "classes.npy"]),
                data,
            )
        )
    kinds = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]
    packed = random.choice(
        [*kinds, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA] if way == "pack" else kinds
    )
    if way == "bomb":
        packed = zipfile.ZIP_DEFLATED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=packed, compresslevel=1)
    return out.getvalue()


def _bare(shape: str) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def zip_header(content: bytes, random: Random) -> bytes:
    """A field of a local header, of the directory or of its end: sizes, offsets, flags, methods."""
    marks = [m.start() for m in re.finditer(rb"PK(\x01\x02|\x03\x04|\x05\x06)", content)]
    at = random.choice(marks) + random.randrange(4, 46) if marks else 0
    value = random.choice(
        [
            b"\x00",
            b"\xff",
            b"\xff\xff",
            b"\xff\xff\xff\xff",
            b"\x01",
            b"\x0e\x00",
            b"\x00\x00\x00\x80",
        ]
    )
    return content[:at] + value + content[at + len(value) :]


# --- tensors ------------------------------------------------------------------------------------


def tensors_header(content: bytes, random: Random) -> bytes:
    """safetensors' own header: offsets, types, metadata."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
    except ValueError:
        return raw(content, random)
    if random.random() < 0.3:
        header["__metadata__"] = random.choice(
            [None, {}, [], 1, {"bandstop": None}, {"bandstop": "{}"}]
        )
        text = json.dumps(header).encode()
    elif random.random() < 0.5:
        text = json_text(content[8 : 8 + length], random)
    else:
        text = spelled(changed(header, random))
    size = len(text) if random.random() < 0.9 else random.choice([0, 2**63, len(content)])
    return struct.pack("<Q", size) + text + content[8 + length :]


def tensors(content: bytes, random: Random) -> bytes:
    """A header or a tensor changed on purpose, with a right checksum."""
    try:
        own = load_tensors(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        key = next(k for k in metadata if k != "sha256")
        text = metadata[key]
    except Exception:
        return raw(content, random)
    if random.random() < 0.6:
        mutated = random.choice([json_value, json_value, json_value, json_text])(
            text.encode(), random
        )
        text = mutated.decode(errors="replace")
    else:
        own = odd_tensors(own, random)
    try:
        return in_order(save_tensors(own, {key: text, "sha256": digest(text, own)}))
    except Exception:
        return raw(content, random)


def odd_tensors(own: dict[str, torch.Tensor], random: Random) -> dict[str, torch.Tensor]:
    own = {k: v.clone() for k, v in own.items()}
    name = random.choice(sorted(own))
    t = own[name]
    flat = t.reshape(-1)
    way = random.choice(
        ["value", "value", "value", "drop", "add", "type", "shape", "swap", "resize", "name"]
    )
    if way == "value" and flat.numel() and t.dtype not in (torch.uint16, torch.bool):
        numbers: list[Any] = [0, 1, -1, 255, 30_000] if not t.is_floating_point() else [
            0.0, -0.0, float("nan"), float("inf"), 3e38, -3e38, 1e-45, 1e-38, -1.0]  # fmt: skip
        places = range(flat.numel()) if random.random() < 0.3 else [random.randrange(flat.numel())]
        for place in places:
            value = (
                random.choice(numbers) % 256 if t.dtype == torch.uint8 else random.choice(numbers)
            )
            flat[place] = value
    elif way == "value" and t.dtype == torch.uint16 and flat.numel():
        other = t.numpy().copy()
        other.reshape(-1)[random.randrange(other.size)] = random.choice([0, 1, 65535, 300])
        own[name] = torch.from_numpy(other)
    elif way == "drop":
        del own[name]
    elif way == "add":
        own[
            random.choice(
                ["x", "attention.x", "dense.bits", "filters.index", "attention.ranks", "model.x"]
            )
        ] = t.clone()
    elif way == "type":
        kind = random.choice([
            torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool,
            torch.float8_e4m3fn, torch.complex64,
        ])  # fmt: skip
        own[name] = t.to(torch.float32).to(kind)
    elif way == "shape":
        own[name] = random.choice([flat.clone(), t[None], t.reshape(*t.shape, 1)])
    elif way == "swap":
        other = random.choice(sorted(own))
        own[name], own[other] = own[other], own[name]
    elif way == "name":
        own[
            random.choice(["", "model.", "optimiser.99.step", "optimiser.0.x", "a.b.c", "joints"])
        ] = own.pop(name)
    else:
        own[name] = torch.cat([flat, flat])[
            : random.choice([0, 1, 2 * flat.numel(), max(0, flat.numel() - 1)])
        ].clone()
    return own

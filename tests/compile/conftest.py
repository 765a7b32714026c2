"""A cache of its own, networks of any size, C programs built and run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from hypothesis import strategies as st
from making import FUSIONS, normalisation, seeded

from bandstop.bundle import Bundle
from bandstop.compile import CSource, emit, lower, run_passes
from bandstop.compile.api import Options
from bandstop.data.describe import Description
from bandstop.nn import AttentionGCN, CompactGCN, Shape
from bandstop.prune import compact
from bandstop.skeleton import Skeleton

STORAGES = [
    (),
    (("attention", "dense"), ("filters", "dense"), ("dense", "dense")),
    (("attention", "lanes"), ("filters", "rows"), ("dense", "rows")),
    (("attention", "lanes"), ("filters", "blocks"), ("dense", "lanes")),
    (("attention", "dense"), ("filters", "rows"), ("dense", "lanes")),
]
WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wdouble-promotion", "-Werror",
)  # fmt: skip
COMPILERS = [
    pytest.param(c, marks=pytest.mark.skipif(not shutil.which(c), reason=f"{c} is not installed"))
    for c in ("gcc", "clang")
]


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANDSTOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def skeleton_of(joints: int, bodies: int, up: int = 1, side: int = 0) -> Skeleton:
    names = tuple(f"joint {j}" for j in range(joints))
    bones = tuple((0, j) for j in range(1, joints))
    return Skeleton("any", names, bones, tuple(range(joints)), bodies=bodies, up=up, side=side)


def bundle_of(
    shape: Shape,
    description: Description,
    keep: dict[str, float],
    seed: int = 0,
    compacted: bool = True,
) -> Bundle:
    """A random network with fractions `keep` of its weights, some whole slices emptied."""
    generator = seeded(seed)
    net = AttentionGCN(shape, generator)
    with torch.no_grad():
        net.filter_bias.copy_(torch.randn(shape.channels, generator=generator))
        net.class_bias.copy_(torch.randn(shape.classes, generator=generator))
    masks = {n: torch.rand(s, generator=generator) < keep[n] for n, s in shape.tensors.items()}
    if compacted:
        small = compact(net, masks)
    else:
        with torch.no_grad():
            for name, mask in masks.items():
                getattr(net, name).mul_(mask)
        small = CompactGCN.whole(net)
    return Bundle(
        small.requires_grad_(False),
        description,
        normalisation(description, seed),
        tuple(f"class {c}" for c in range(shape.classes)),
        {"rate": 0.5},
    )


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    """Any sizes: a single node, one class, more nodes than lanes, empty rows, both fusions."""
    bodies = draw(st.sampled_from([1, 1, 2]))
    joints = draw(st.sampled_from([1, 2, 3, 5, 9, 15, 17, 33, 40]))
    up = draw(st.integers(0, 2))
    side = draw(st.sampled_from([a for a in range(3) if a != up]))
    description = Description(
        skeleton_of(joints, bodies, up, side),
        chunks=draw(st.integers(1, 4)),
        view=draw(st.sampled_from(["facing", "camera"])),
        trim=draw(st.sampled_from([0.0, 0.0, 0.1, 0.25])),
        speeds=draw(st.booleans()),
    )
    nodes, features = description.size
    shape = Shape(
        heads=draw(st.integers(1, 4)),
        nodes=nodes,
        features=features,
        filters=draw(st.sampled_from([1, 2, 3, 7, 8, 13, 20])),
        classes=draw(st.sampled_from([1, 2, 5, 8, 16, 17, 33])),
        fusion=draw(st.sampled_from(FUSIONS)),
    )
    rates = st.sampled_from([0.0, 0.03, 0.1, 0.4, 1.0])
    keep = {name: draw(rates) for name in shape.tensors}
    return bundle_of(shape, description, keep, draw(st.integers(0, 999)), draw(st.booleans()))


@st.composite
def options(draw: st.DrawFn) -> Options:
    order = draw(st.sampled_from(["", "mix first", "filter first", "multiplied out"]))
    return Options(order, draw(st.sampled_from(STORAGES)), draw(st.booleans()))


def source_of(bundle: Bundle, option: Options | None = None, name: str = "wave") -> CSource:
    """The C without the proof."""
    graph = lower(bundle.net, bundle.description, bundle.normalisation, bundle.classes)
    shape = (bundle.net.nodes, bundle.net.all_features)
    return emit(run_passes(graph, (option or Options()).passes(shape)), name, {})


def build(folder: Path, source: CSource, main: str, compiler: str = "gcc", *flags: str) -> Path:
    """A program of the generated C and a main.c; the test fails with the compiler's words."""
    (folder / f"{source.name}.c").write_text(source.source)
    (folder / f"{source.name}.h").write_text(source.header)
    (folder / "main.c").write_text(main)
    program = folder / "program"
    done = subprocess.run(
        [compiler, "-std=c11", *flags, f"{source.name}.c", "main.c", "-o", str(program), "-lm"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return program


def objects(
    folder: Path, source: CSource, compiler: str, *flags: str
) -> subprocess.CompletedProcess:
    (folder / f"{source.name}.c").write_text(source.source)
    (folder / f"{source.name}.h").write_text(source.header)
    return subprocess.run(
        [compiler, "-std=c11", *WARNINGS, *flags, "-c", f"{source.name}.c", "-o", "out.o"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def symbols(folder: Path) -> dict[str, int]:
    """Bytes of every read-only object of out.o."""
    said = subprocess.run(["nm", "-S", "out.o"], cwd=folder, capture_output=True, text=True).stdout
    rows = re.findall(r"^[0-9a-f]+ ([0-9a-f]+) [rR] (\w+)$", said, re.MULTILINE)
    return {name: int(size, 16) for size, name in rows}

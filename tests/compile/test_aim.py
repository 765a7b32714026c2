"""--optimize: the smallest flash, the smallest scratch memory, and the same answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import bundle, recordings

from bandstop.bundle import Bundle
from bandstop.cli import main as cli
from bandstop.compile import Graph, emit, lower, run
from bandstop.compile.aim import AIMS
from bandstop.compile.api import Options, compile_c
from bandstop.compile.c.emit import footprint
from bandstop.compile.passes import ORDERS
from bandstop.errors import BadInput

from .conftest import STORAGES, bundles
from .test_c import ordinary


def arranged(b: Bundle, options: Options) -> Graph:
    graph = lower(b.net, b.description, b.normalisation, b.classes)
    return options.arranged(graph, (b.net.nodes, b.net.all_features))


@settings(max_examples=25)
@given(bundles(), st.booleans())
def test_each_aim_has_least_of_what_it_aims_at_and_all_compute_the_same(b, int8):
    graphs = {aim: arranged(b, Options(optimize=aim, int8=int8)) for aim in AIMS}
    flash = {aim: footprint(g)[0] for aim, g in graphs.items()}
    scratch = {aim: footprint(g)[1] for aim, g in graphs.items()}
    assert flash["size"] == min(flash.values())
    assert scratch["ram"] == min(scratch.values())
    take = recordings(1, b.skeleton, 7)[0].positions
    logits = {aim: run(g, "frames", take)["logits"] for aim, g in graphs.items()}
    for found in logits.values():
        size = 1 + np.abs(logits["speed"]).max()
        assert np.abs(found - logits["speed"]).max() <= 1e-9 * size


def test_nothing_that_can_be_chosen_by_hand_is_smaller():
    b = ordinary(0.1)
    least = {aim: footprint(arranged(b, Options(optimize=aim))) for aim in ("size", "ram")}
    for order in ORDERS:
        for storage in STORAGES:
            flash, scratch = footprint(arranged(b, Options(order, storage)))
            assert flash >= least["size"][0]
            assert scratch >= least["ram"][1]


@pytest.mark.parametrize("int8", [False, True])
def test_what_was_counted_is_what_the_file_says(int8):
    for aim in AIMS:
        graph = arranged(ordinary(0.1), Options(optimize=aim, int8=int8))
        made = emit(graph, "wave", {})
        assert footprint(graph) == (made.flash, made.scratch)


@pytest.mark.parametrize("aim", AIMS)
def test_the_c_of_every_aim_is_proven(aim):
    b = ordinary(0.1)
    made, _, proof = compile_c(
        b.net, b.description, b.normalisation, b.classes, options=Options(optimize=aim)
    )
    assert proof.error <= 1e-5
    assert (made.flash, made.scratch) == footprint(arranged(b, Options(optimize=aim)))


def test_what_is_chosen_by_hand_stays_chosen():
    graph = arranged(
        ordinary(0.1), Options("mix first", (("attention", "dense"),), optimize="size")
    )
    assert graph.constant(graph.the("mix"), "attention").storage.kind == "dense"


@pytest.fixture
def path(tmp_path):
    ordinary(0.1).save(tmp_path / "net.bandstop")
    return tmp_path / "net.bandstop"


def test_the_command_and_python_take_it(path, tmp_path, capsys):
    sizes = {}
    for aim in AIMS:
        args = ["compile", str(path), "-o", str(tmp_path / f"{aim}.c"), "--json"]
        assert cli.run([*args, "--optimize", aim]) == 0
        sizes[aim] = json.loads(capsys.readouterr().out)
    assert sizes["size"]["flash"] < sizes["speed"]["flash"]
    assert sizes["ram"]["scratch"] <= sizes["size"]["scratch"]
    made = ordinary(0.1).export(tmp_path / "python.c", optimize="size")
    assert made.flash == sizes["size"]["flash"]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (
            ["--optimize", "sise"],
            "optimize must be one of speed, size, ram, not 'sise'; did you mean",
        ),
        (["--target", "onnx", "--optimize", "size"], "not for onnx; leave them out"),
        (["--target", "elastic", "--optimize", "ram"], "not for elastic; leave them out"),
    ],
)
def test_an_aim_that_cannot_be_is_one_sentence(args, sentence, path, capsys):
    assert cli.run(["compile", str(path), *args]) == 2
    assert sentence in capsys.readouterr().err


def test_python_refuses_alike(tmp_path):
    with pytest.raises(BadInput, match="not for onnx"):
        bundle().export(tmp_path / "a.onnx", optimize="size")
    with pytest.raises(BadInput, match="must be one of"):
        bundle().compile(optimize="fast")

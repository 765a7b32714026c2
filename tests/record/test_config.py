"""Options: every rule, all problems at once, and what a configuration is compared and named by."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.errors import BadInput
from bandstop.record import Config, from_mapping, read_toml, refuse_idle, run_name
from bandstop.record.config import IDLE as IDLE_RULES
from bandstop.record.config import RULES
from bandstop.record.runs import LONGEST

WEIGHTED = ("alignment", "budget", "rank", "l0", "l1", "entropy", "cost")
GOOD = {
    "data": ["sbu:somewhere"], "fold": ["5", "all", 3], "validation": [0, 0.5], "chunks": [1, 40],
    "frames": [1, 64], "widths": ["24", "24,24,48", "6-4096"],
    **{f"{term}_weight": [0, 7.5] for term in WEIGHTED},
    "trim": [0, 1], "together": [0, 2], "seen": ["90", "50,0.6,98"],
    "structure": [0, 1], "pull": [0.1, 1], "levels": [["entry"], ("row", "channel")], "rate": [0, 0.5, 0.999],
    "sigma_start": [0.1], "sigma_end": [1e4],
    "warmup": [0, 1], "settle": [0, 0.99], "heads": [1], "filters": [1], "steps": [1], "batch": [1],
    "learning_rate": [1e-6, 1.0], "label_smoothing": [0, 0.9], "weight_decay": [0, 0.5],
    "distil": [0, 1], "teachers": [1, 100], "temperature": [0.1, 100],
    "seed": [0, 2**32 - 1], "mirror": [0, 1],
    "exchange": [0, 1], "rotation": [0, 180], "tilt": [0, 180],
    "scale": [0, 1], "noise": [0, 10], "crop": [0, 0.45],
    "drop": [(), ["lost"], ("short", "lost")],
    "exempt": [(), ("dense",), ["dense", "filters"]], "layer_rate": [("dense=0.8", "filters=0")],
}  # fmt: skip
NUMBERS = [None, "x", math.nan, math.inf, -math.inf, [1]]
WHOLE = [*NUMBERS, 0, -1, 1.5, "8", True]
BAD = {
    "data": [5, None, ["sbu"]], "validation": [*NUMBERS, -0.1, 0.6], "chunks": WHOLE, "frames": WHOLE,
    "widths": [5, "", "24,x", "5", "24,", "5000", ",".join(["24"] * 33)],
    **{f"{term}_weight": [*NUMBERS, -1] for term in WEIGHTED}, "structure": [*NUMBERS, -0.1, 1.1],
    "pull": [*NUMBERS, 0, 1.1],
    "trim": [*NUMBERS, -0.1, 1.1], "together": [*NUMBERS, 1, -1],
    "seen": [5, "", "90,50", "50,x", "50,100"],
    "levels": [(), ("head",), ("row", "row"), 5], "rate": [*NUMBERS, 1, 1.0, -0.1, 90],
    "sigma_start": [*NUMBERS, 0, -1], "sigma_end": [*NUMBERS, 0, -1], "warmup": [*NUMBERS, -0.1, 1.1],
    "settle": [*NUMBERS, -0.1, 1], "heads": WHOLE, "filters": WHOLE, "steps": WHOLE, "batch": WHOLE,
    "learning_rate": [*NUMBERS, 0, -1], "label_smoothing": [*NUMBERS, -0.1, 1],
    "weight_decay": [*NUMBERS, -0.1, 11], "distil": [*NUMBERS, -0.1, 1.1],
    "teachers": [*WHOLE, 101], "temperature": [*NUMBERS, 0, 101],
    "seed": [*NUMBERS, -1, 2**32, 0.5, True], "mirror": [*NUMBERS, -0.1, 1.1],
    "exchange": [*NUMBERS, -0.1, 1.1], "rotation": [*NUMBERS, -1, 181], "tilt": [*NUMBERS, -1, 181],
    "scale": [*NUMBERS, -0.1, 1.1],
    "noise": [*NUMBERS, -0.1, 11], "crop": [*NUMBERS, -0.1, 0.5], "exempt": [5, None, [1], {"a": 1}],
    "drop": ["lots", ["lost", "lost"], 5, None],
    "layer_rate": ["dense", ["dense=1"], ["dense=0.5", "dense=0.6"], ["=0.5"], ["dense=x"],
                   ["dense=nan"], [0.8], 0.8, None],
}  # fmt: skip
CASES = st.sampled_from([(name, value) for name, values in BAD.items() for value in values])


def test_every_rule_has_values_that_hold_it_and_values_that_break_it():
    assert {name for name, _, _ in RULES} <= set(GOOD) & set(BAD)


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in GOOD.items() for v in values])
def test_values_in_range_are_taken(name, value):
    Config(**{name: value})


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_values_out_of_range_or_of_another_type_are_refused_by_name(name, value):
    with pytest.raises(BadInput, match=rf"^{name.replace('_', '-')} (must|is)"):
        Config(**{name: value})


@given(st.lists(CASES, min_size=2, max_size=6, unique_by=lambda case: case[0]))
def test_all_problems_are_named_at_once(cases):
    with pytest.raises(BadInput) as error:
        Config(**dict(cases))
    said = str(error.value)
    assert all(
        re.search(rf"^ *{name.replace('_', '-')} (must|is)", said, re.M) for name, _ in cases
    )


def test_a_sharpness_that_falls_is_refused_before_any_data_is_read():
    with pytest.raises(BadInput, match="sigma-end must be at least sigma-start"):
        Config(sigma_start=10.0, sigma_end=2.0)


def test_one_exempt_tensor_may_be_written_without_a_list():
    assert Config(exempt="dense") == Config(exempt=("dense",)) == Config(exempt=["dense"])
    assert Config(layer_rate="dense=0.8").rates == {"dense": 0.8}


def test_the_defaults_are_a_configuration_and_differ_in_nothing():
    assert Config().differing() == {}
    assert Config(rate=0.5, heads=2).differing() == {"rate": 0.5, "heads": 2}


def test_a_configuration_goes_through_json_unchanged():
    config = Config(rate=0.7, exempt=("dense",), layer_rate=("filters=0.5",), fold="all")
    again = Config(**from_mapping(json.loads(json.dumps(config.to_dict())), "here"))
    assert again == config


@pytest.mark.parametrize("method", ["mp", "mp-finetune"])
def test_options_that_a_method_does_not_look_at_make_no_other_run(method):
    config = Config(
        method=method, prior="laplace", sigma_end=7.0, alignment="kl", settle=0.3, rate=0.5
    )
    assert config.canonical() == Config(method=method, rate=0.5)


def test_options_that_a_method_looks_at_make_another_run():
    config = Config(method="pmp", prior="laplace", sigma_end=7.0)
    assert config.canonical() == config


IDLE = {
    "dense": {
        "rate": 0.5,
        "exempt": ("dense",),
        "scope": "layer",
        "prior": "laplace",
        "warmup": 0.1,
    },
    "mp": {"settle": 0.3, "sigma_end": 7.0, "l1_weight": 3.0},
    "mrmp": {"rate": 0.97, "levels": ("entry",)},
    "gradual": {"sigma_start": 1.0, "structure": 0.1},
    "structured": {"structure": 0.1, "psi": "symmetric"},
}
BESIDE = [
    ({"alignment": "none"}, {"alignment_weight": 0.3, "prior": "laplace"}),
    ({"alignment_weight": 0.0}, {"alignment": "kl", "prior": "laplace"}),
    ({"method": "ctf", "levels": ("row", "column")}, {"structure": 0.2}),
    ({"method": "ctf", "levels": ("entry",)}, {"structure": 0.2}),
    ({"method": "ctf", "psi": "symmetric"}, {"structure": 0.2}),
    ({"method": "mrmp", "seen": "50,90"}, {"together": 0}),
    ({"method": "mrmp", "seen": "90"}, {"samples": "repeated", "together": 2}),
    ({"crop": 0.0}, {"trim": 0.2}),
    ({"network": "attention-gcn"}, {"frames": 16, "widths": "24", "bodies": "apart"}),
    ({"network": "st-gcn++"}, {"chunks": 4, "heads": 4, "filters": 32, "fusion": "concat"}),
    ({"network": "gcn"}, {"heads": 4, "widths": "24"}),
    ({"method": "mp"}, {"distil": 0.5}),
    ({"distil": 0.0}, {"teachers": 5}),
    ({"distil": 0.0}, {"temperature": 2.0}),
]
IN_VAIN = [({"method": method}, options) for method, options in IDLE.items()] + BESIDE


@pytest.mark.parametrize(("beside", "options"), IN_VAIN)
def test_an_option_that_the_run_does_not_look_at_is_refused_where_it_is_given(beside, options):
    config = Config(**beside, **options)
    with pytest.raises(BadInput) as error:
        refuse_idle(config, {*beside, *options})
    for name in options:
        assert f"{name.replace('_', '-')} has no effect: " in str(error.value)
    refuse_idle(config, beside)  # from a file that serves several methods


@pytest.mark.parametrize(("beside", "options"), IN_VAIN)
def test_what_is_given_in_vain_makes_no_other_run_and_is_what_canonical_puts_back(beside, options):
    config = Config(**beside, **options)
    assert config.canonical() == Config(**beside).canonical()
    assert run_name(config.canonical(), "ab") == run_name(Config(**beside).canonical(), "ab")
    assert config.canonical().canonical() == config.canonical()
    assert config.dense().canonical() == config.dense()


@pytest.mark.parametrize(
    "options",
    [
        {"method": "pmp", "prior": "laplace", "alignment": "kl"},
        {"method": "pmp", "prior": "laplace", "alignment": "none", "threshold": "prior"},
        {"method": "mrmp", "rate": 0.98},
        {"method": "dense", "rate": 0},
        {"method": "ctf", "structure": 0.2, "levels": ("channel", "entry")},
        {"method": "mp", "exempt": ("dense",), "rate": 0.7, "crop": 0.1, "trim": 0.3},
    ],
)
def test_options_that_the_run_looks_at_are_taken(options):
    refuse_idle(Config(**options), options)


def test_every_reason_for_which_an_option_is_idle_has_a_case():
    for name, why, _ in IDLE_RULES:
        assert any(
            name in options and why in Config(**beside, **options).idle.get(name, "")
            for beside, options in BESIDE
        ), (name, why)


def test_the_dense_reference_has_the_same_data_network_and_training_and_removes_nothing():
    config = Config(
        rate=0.9, exempt=("dense",), heads=3, steps=70, seed=4, data="sbu:x", prior="laplace"
    )
    dense = config.dense()
    assert dense == Config(method="dense", rate=0.0, heads=3, steps=70, seed=4, data="sbu:x")
    assert dense.canonical() == dense
    assert replace(config, method="dense").canonical() == dense


# --- TOML ------------------------------------------------------------------------------------


def test_a_toml_file_sets_options_with_dashes_or_underscores(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('rate = 0.5\nlearning-rate = 0.1\nsigma_end = 50\nexempt = ["dense"]\n')
    values = read_toml(path)
    assert values == {"rate": 0.5, "learning_rate": 0.1, "sigma_end": 50, "exempt": ["dense"]}
    assert Config(**values).exempt == ("dense",)


def test_unknown_options_are_named_with_the_nearest_there_is_all_at_once(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("raet = 0.5\nlerning-rate = 0.1\nzzzzzz = 1\n")
    with pytest.raises(BadInput) as error:
        read_toml(path)
    said = str(error.value)
    assert "unknown option 'raet'; did you mean 'rate'?" in said
    assert "unknown option 'lerning-rate'; did you mean 'learning_rate'?" in said
    assert "unknown option 'zzzzzz'" in said
    assert str(path) in said


@pytest.mark.parametrize(
    "content", [b"rate = ", b"rate = 0.5\nrate = 0.6\n", b"\xff\xfe\x00", b"[rate\n", b"=1"]
)
def test_a_file_that_is_no_toml_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"run\.toml is not (valid TOML|a text file)"):
        read_toml(path)


def test_a_file_that_is_missing_or_a_folder_is_refused_with_its_name(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            read_toml(path)


# --- names of runs ---------------------------------------------------------------------------


def test_the_name_of_a_run_says_what_it_is():
    config = Config(
        data="sbu:/some/where", fold="5", rate=0.95, seed=3, steps=100, exempt=("dense",)
    )
    assert (
        run_name(config, "1a2b3c4d5e6f") == "sbu-1a2b3c-fold5-pmp-0.95-seed3-exempt=dense-steps=100"
    )


def test_the_dense_reference_is_named_without_a_rate():
    assert run_name(Config().dense(), "abcdef12") == "synthetic-abcdef-fold1-dense-seed0"


def test_other_recordings_under_the_same_path_are_another_run():
    assert run_name(Config(), "aaaaaaaa") != run_name(Config(), "bbbbbbbb")


ALTERNATIVES = {name: values for name, values in GOOD.items() if name != "data"} | {
    "rate": [0.5, 0.95, 0.9500001, 0.95000001],
    "method": ["mp", "mp-finetune"],
    "prior": ["laplace"],
}


@pytest.mark.parametrize("name", [f.name for f in fields(Config) if f.name in ALTERNATIVES])
def test_configurations_that_differ_in_one_option_have_names_that_differ(name):
    configs = {Config()} | {Config(**{name: value}) for value in ALTERNATIVES[name]}
    assert len({run_name(config, "abcdef") for config in configs}) == len(configs)


@given(st.dictionaries(st.sampled_from([n for n in GOOD if n != "data"]), st.integers(0, 1)))
def test_a_name_is_short_and_safe_for_a_file_system(picked):
    config = Config(**{name: GOOD[name][i % len(GOOD[name])] for name, i in picked.items()})
    name = run_name(config, "0123456789abcdef")
    assert len(name) <= LONGEST
    assert all(c.isalnum() or c in ".=+_-" for c in name)
    assert not name.startswith((".", "-"))


def test_long_names_that_differ_only_in_what_is_cut_off_still_differ():
    many = {
        n: GOOD[n][-1]
        for n in ("validation", "chunks", "warmup", "settle", "heads", "filters", "learning_rate",
                  "label_smoothing", "mirror", "exchange", "rotation", "scale")
    }  # fmt: skip
    one, other = (run_name(Config(**many, crop=crop), "abcdef") for crop in (0.1, 0.2))
    assert len(one) == len(other) == LONGEST
    assert one[:-9] == other[:-9]
    assert one != other


def test_an_earlier_name_of_an_option_is_read_and_not_beside_the_new_one():
    assert from_mapping({"smoothing": 0.3}, "here") == {"label_smoothing": 0.3}
    with pytest.raises(BadInput, match="is set twice"):
        from_mapping({"smoothing": 0.3, "label-smoothing": 0.1}, "here")

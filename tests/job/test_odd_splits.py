"""Splits as people have them: nothing to test on, a validation part, one class, few of a class."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from bandstop.cli.show import result_table
from bandstop.data import Dataset, Fold
from bandstop.errors import BadInput
from bandstop.job import design, stack_key
from bandstop.job.task import Task
from bandstop.objective import Objective, balanced
from bandstop.report import draw_all
from bandstop.report.collect import collect
from bandstop.report.summary import rows, to_markdown

CPU = torch.device("cpu")


def test_fold_none_trains_on_everybody_and_says_that_accuracy_is_not_measured(
    dataset, tiny, tmp_path
):
    outcome = design(replace(tiny, fold="none", steps=20), tmp_path, dataset)
    record = outcome.record
    assert (record.data["train"], record.data["test"]) == (len(dataset.sequences), 0)
    assert record.result["accuracy"] is None
    assert record.result["mean_class_accuracy"] is None
    assert "accuracy is not measured" in record.result["note"]
    assert "accuracy" not in outcome.bundle.facts
    assert outcome.bundle.predict(dataset.sequences[0]).label in dataset.classes
    json.dumps(record.result, allow_nan=False)
    assert "not measured" in list(result_table(record.result, "x").columns[2].cells)
    assert "| not measured | – |" in to_markdown(rows([record]))
    draw_all(record, tmp_path / "figures")
    with pytest.raises(BadInput, match="no accuracy to report"):
        collect([outcome.folder.path])


def test_many_rates_on_everybody_are_delivered_without_accuracies(dataset, tiny, tmp_path):
    config = replace(tiny, fold="none", method="mrmp", seen="50,80", steps=20)
    by_rate = design(config, tmp_path, dataset).record.result["by_rate"]
    assert {row["accuracy"] for row in by_rate} == {None}


def halved(dataset: Dataset) -> Dataset:
    """The first fold with half of its training part to validate on."""
    fold = dataset.folds[0]
    cut = len(fold.train) // 2
    return replace(
        dataset, folds=(Fold("1", fold.train[:cut], fold.test, fold.train[cut:]),), name="halved"
    )


def test_a_validation_part_of_the_data_is_watched_and_never_learned_from(dataset, tiny, tmp_path):
    data = halved(dataset)
    task = Task.of(data, tiny, CPU)
    assert task.rows == data.folds[0].train
    assert task.validation is not None
    assert len(task.validation) == len(data.folds[0].validation)
    record = design(tiny, tmp_path, data).record
    assert "validation_accuracy" in record.history[0]
    assert "training_accuracy" not in record.history[0]
    with pytest.raises(BadInput, match="a validation part of its own"):
        Task.of(data, replace(tiny, validation=0.2), CPU)


@pytest.mark.parametrize("kept", [(3,), ()])
def test_fewer_than_two_classes_are_refused_before_training(dataset, tiny, tmp_path, kept):
    train = tuple(i for i in dataset.folds[0].train if dataset.sequences[i].label in kept)
    test = dataset.folds[0].test
    fold = Fold("none", train, test) if train else Fold("1", (0,), test)
    data = replace(dataset, folds=(fold,))
    with pytest.raises(BadInput, match=r"trains on 1 class, .*, and 2 are needed to tell apart"):
        design(replace(tiny, fold=fold.name), tmp_path, data)
    assert list(tmp_path.glob("*/checkpoint.safetensors")) == []


def test_the_mean_of_the_classes_counts_a_rare_class_as_much(dataset, tiny, tmp_path):
    record = design(tiny, tmp_path, dataset).record
    table = torch.tensor(record.confusion, dtype=torch.float64)
    tested = table.sum(1) > 0
    expected = (table.diagonal()[tested] / table.sum(1)[tested]).mean()
    assert record.result["mean_class_accuracy"] == pytest.approx(float(expected))
    assert "mean of classes, %" in to_markdown(rows([record]))


# --- class weights -------------------------------------------------------------------------------


def test_balanced_weights_make_every_class_count_as_much():
    labels = torch.tensor([0] * 30 + [1] * 2 + [3] * 2)
    weights = balanced(labels, 4)
    shares = [float(weights[c] * (labels == c).sum()) for c in range(4)]
    assert shares == pytest.approx([34 / 3, 34 / 3, 0, 34 / 3])
    logits = torch.randn(34, 4, generator=torch.Generator().manual_seed(0))
    (loss,) = Objective(weights=weights)(torch.nn.Identity(), logits, labels)
    each = -logits.log_softmax(1)[torch.arange(34), labels]
    means = [float(each[labels == c].mean()) for c in (0, 1, 3)]
    assert float(loss) == pytest.approx(sum(means) / 3, rel=1e-5)


def test_class_weights_are_those_of_the_training_part_and_none_by_default(dataset, tiny):
    assert Task.of(dataset, tiny, CPU).class_weights is None
    config = replace(tiny, class_weights="balanced")
    task = Task.of(dataset, config, CPU)
    labels = torch.tensor([dataset.sequences[i].label for i in task.fold.train])
    assert torch.equal(task.class_weights, balanced(labels, len(dataset.classes)))
    other = replace(config, fold="2")
    assert stack_key(config) != stack_key(other)
    assert stack_key(tiny) == stack_key(replace(tiny, fold="2"))


def test_balanced_weights_change_what_is_minimised_and_stand_in_the_record(dataset, tiny, tmp_path):
    plain, weighted = (
        design(replace(tiny, class_weights=w), tmp_path / w, dataset).record
        for w in ("none", "balanced")
    )
    assert plain.history[0]["cross_entropy"] != weighted.history[0]["cross_entropy"]
    assert weighted.config["class_weights"] == "balanced"

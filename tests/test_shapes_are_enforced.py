"""The guard of the whole suite: a tensor of the wrong shape is caught where it enters a function."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import TypeCheckError

from bandstop.gate.prior import PRIORS
from bandstop.nn.attention_gcn import logits
from bandstop.objective import wasserstein


def test_a_tensor_with_a_dimension_too_many_is_refused_while_tests_run():
    with pytest.raises(TypeCheckError, match="weight"):
        wasserstein(torch.randn(3, 4), PRIORS["gaussian"])


def test_a_size_that_contradicts_another_argument_is_refused_while_tests_run():
    weights = torch.randn(2, 3, 3), torch.randn(2, 4, 5), torch.randn(5, 3, 2)
    biases = torch.zeros(5), torch.zeros(2)
    assert logits(torch.randn(1, 3, 4), *weights, *biases, fusion="sum").shape == (1, 2)
    with pytest.raises(TypeCheckError, match="signal"):
        logits(*reversed(weights[:1]), *weights, *biases, fusion="sum")

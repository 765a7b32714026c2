"""Dense networks; they have never heard of pruning."""

from torch.nn import Module

from bandstop.nn.attention_gcn import AttentionGCN, Shape
from bandstop.nn.compact_gcn import CompactGCN
from bandstop.nn.reach import reach

Network = Module
"""What can be trained: logits of signals (batch, node, feature)."""

__all__ = ["AttentionGCN", "CompactGCN", "Network", "Shape", "reach"]

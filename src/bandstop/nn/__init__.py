"""Dense networks; they have never heard of pruning."""

from bandstop.nn.attention_gcn import AttentionGCN, Shape
from bandstop.nn.compact_gcn import CompactGCN

__all__ = ["AttentionGCN", "CompactGCN", "Shape"]

"""Dense networks; they have never heard of pruning."""

from bandstop.nn.attention_gcn import AttentionGCN, Shape
from bandstop.nn.compact_gcn import CompactGCN
from bandstop.nn.graph_gcn import GraphGCN
from bandstop.nn.reach import reach

Network = AttentionGCN | GraphGCN
"""What can be trained; only the first can be pruned, compacted and delivered."""

__all__ = ["AttentionGCN", "CompactGCN", "GraphGCN", "Network", "Shape", "reach"]

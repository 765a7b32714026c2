"""A compacted network: a small AttentionGCN that reads only some joints and some features."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bandstop.errors import BadInput, short
from bandstop.nn.attention_gcn import AttentionGCN, Shape


class CompactGCN(nn.Module):
    """signal (all nodes, all features) -> the joints and features still read -> `net`.

    joints, features  indices of what is read, of `nodes` and `all_features` in the full signal
    """

    joints: Int[Tensor, " node"]
    features: Int[Tensor, " feature"]

    def __init__(
        self, net: AttentionGCN, joints: Tensor, features: Tensor, nodes: int, all_features: int
    ) -> None:
        super().__init__()
        for word, index, length, limit in [
            ("joints", joints, net.shape.nodes, nodes),
            ("features", features, net.shape.features, all_features),
        ]:
            within = len(index) == length and 0 <= int(index.min()) <= int(index.max()) < limit
            if not within or len(index.unique()) < length:
                raise BadInput(
                    f"compact network: {word} must be {length} different indices below {limit}, "
                    f"not {short(index.tolist())}"
                )
        self.net = net
        self.nodes, self.all_features = nodes, all_features
        self.register_buffer("joints", joints)
        self.register_buffer("features", features)

    @property
    def shape(self) -> Shape:
        return self.net.shape

    @staticmethod
    def whole(net: AttentionGCN) -> CompactGCN:
        """A network that reads everything."""
        joints, features = torch.arange(net.shape.nodes), torch.arange(net.shape.features)
        return CompactGCN(net, joints, features, net.shape.nodes, net.shape.features)

    def forward(self, signal: Float[Tensor, "batch node feature"]) -> Float[Tensor, "batch class"]:
        """Class logits of full signals. Errors: BadInput for a signal of another size."""
        if signal.shape[1:] != (self.nodes, self.all_features):
            raise BadInput(
                f"the network wants signals of {self.nodes} nodes x {self.all_features} features, "
                f"not {tuple(signal.shape[1:])}; describe the recording with the network's own chunks"
            )
        return self.net(signal[:, self.joints][:, :, self.features])

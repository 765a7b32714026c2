"""Networks that read frames: options to `nn.Module`, one file each."""

from bandstop.networks.st_gcn_pp import st_gcn_pp

__all__ = ["st_gcn_pp"]

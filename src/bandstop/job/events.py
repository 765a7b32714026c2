"""Events: a TensorBoard log of every run, for those who watch trainings there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.errors import BadInput
from bandstop.job.listener import Listener
from bandstop.record import RunFolder
from bandstop.train import Epoch

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Events(Listener):
    """Writes loss terms, rate and accuracy of each epoch into the run's folder `tensorboard/`.

    A resumed training goes on in the same log; what an interrupted epoch had written is dropped.
    runs  where the runs' folders will be
    Errors: BadInput where TensorBoard is not installed, or cannot write there.
    """

    def __init__(self, runs: Path = Path()) -> None:
        try:
            import tensorboard  # noqa: F401  (torch's writer needs it)
        except ImportError as error:
            raise BadInput("--tensorboard needs: pip install 'bandstop[tensorboard]'") from error
        try:
            str(runs).encode()
        except UnicodeEncodeError as error:
            raise BadInput(
                f"--tensorboard: TensorBoard cannot write into {runs}, whose name is not UTF-8; give "
                "another --runs"
            ) from error
        self.writers: dict[Path, SummaryWriter] = {}

    def run_epoch(self, folder: RunFolder, epoch: Epoch) -> None:
        from torch.utils.tensorboard import SummaryWriter

        path = folder.tensorboard
        if path not in self.writers:
            self.writers[path] = SummaryWriter(str(path), purge_step=epoch.step)
        for name, value in epoch.terms.items():
            self.writers[path].add_scalar(f"loss/{name}", value, epoch.step)
        for name, value in epoch.extra.items():
            self.writers[path].add_scalar(name, value, epoch.step)
        self.writers[path].flush()

    def end(self) -> None:
        for writer in self.writers.values():
            writer.close()
        self.writers = {}

"""The work behind every verb: a request, where and how to answer it, and what the terminal shows meanwhile."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from landscape.commands.progress import watching
from landscape.core.requests import AnyEvaluation, Device, SearchRequest, TrainRequest

if TYPE_CHECKING:
    import xarray as xr

    from landscape.training.runs import Run


@dataclass(frozen=True, kw_only=True)
class Work:
    """Where and how requests are answered; none of it changes a key.

    Attributes:
        home: The working folder, or None for the default one.
        device: auto, cpu or cuda.
        download: Whether a named data set may be fetched.
    """

    home: Path | None = None
    device: Device = "auto"
    download: bool = False


def train_run(
    request: TrainRequest, work: Work, *, label: str = "train", folder: Path | None = None
) -> "Run":
    """The run of a request, trained under a progress bar if it is not complete.

    Args:
        request: The question.
        work: Where and how.
        label: What the bar says.
        folder: Where the run lies; None for a folder in the working folder.

    Raises:
        LandscapeError: Whatever is wrong; `StoppedError` after Ctrl-C.
    """
    with watching(label) as watch:
        from landscape.service.compute import compute  # brings torch, which other verbs do without

        return compute(
            request,
            home=work.home,
            device=work.device,
            download=work.download,
            progress=watch.progress,
            stop=watch.stop,
            folder=folder,
        )


def compute_result(
    request: AnyEvaluation | SearchRequest, work: Work, *, label: str | None = None
) -> "xr.Dataset":
    """The result of a request, computed under a progress bar if the store does not have it.

    Raises:
        LandscapeError: Whatever is wrong; `StoppedError` after Ctrl-C.
    """
    with watching(label or request.study) as watch:
        from landscape.service.compute import compute

        return compute(
            request,
            home=work.home,
            device=work.device,
            download=work.download,
            progress=watch.progress,
            stop=watch.stop,
        )

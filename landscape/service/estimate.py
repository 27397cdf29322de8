"""How long a request will take, measured on one batch. Run as a program, so that the app's process needs no torch.

`python -m landscape.service.estimate HOME` reads a request as JSON from standard input and writes
`{"seconds": …, "points": …, "images": …}` or `{"error": "one sentence"}` to standard output.
"""

import json
import math
import sys
from pathlib import Path

import msgspec

from landscape.core.errors import LandscapeError, RequestError
from landscape.core.requests import AnyRequest, SearchRequest, TrainRequest, request_from_json
from landscape.networks.evaluator import choose_device
from landscape.service.home import Home
from landscape.service.loading import load
from landscape.service.predictions import is_kept
from landscape.service.references import as_home
from landscape.service.tuning import choose_strategy, seconds_per_network, seconds_per_point
from landscape.studies.prediction_studies import Comparison
from landscape.studies.sweeps import Sweep
from landscape.studies.table import STUDIES


class Estimate(msgspec.Struct, frozen=True):
    """What a request will cost.

    Attributes:
        seconds: Of computing.
        points: Points of a line, a plane or a fan, or networks whose predictions are not known yet.
        images: Passed through the network at each point.
    """

    seconds: float
    points: int
    images: int


def estimate(request: AnyRequest, *, home: Home | Path | None = None, device: str = "auto") -> Estimate:
    """Measure one point, or one network of each kind, on a sample of the images and scale up.

    Raises:
        LandscapeError: Whatever would stop the computation from starting, in one sentence.
    """
    if isinstance(request, TrainRequest | SearchRequest):
        raise RequestError(
            "Only the evaluation of checkpoints is estimated; training shows its progress as it goes."
        )
    home = as_home(home)
    loaded = load(request, home)
    where = choose_device(device)
    images = len(loaded.task.data.train) + len(loaded.task.data.test)
    match STUDIES[loaded.request.study](loaded):
        case Sweep() as sweep:
            strategy = choose_strategy(sweep, home, where)
            count = len(sweep.coefficients)
            return Estimate(
                seconds=seconds_per_point(sweep, where, strategy) * count, points=count, images=images
            )
        case Comparison() as comparison:
            missing = [
                wanted for wanted in comparison.wanted if not is_kept(wanted, comparison.loaded.request, home)
            ]
            kinds = {(wanted.task.name, wanted.statistics): wanted for wanted in missing}
            each = {kind: seconds_per_network(wanted, where) for kind, wanted in kinds.items()}
            seconds = math.fsum(each[wanted.task.name, wanted.statistics] for wanted in missing)
            return Estimate(seconds=seconds, points=len(missing), images=images)


def main(arguments: list[str]) -> None:
    """Answer one request from standard input."""
    try:
        answer = msgspec.to_builtins(
            estimate(request_from_json(sys.stdin.read()), home=Home(Path(arguments[0])))
        )
    except LandscapeError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

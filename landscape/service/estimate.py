"""How long a request will take, measured on one batch. Run as a program, so that the app's process needs no torch.

`python -m landscape.service.estimate HOME` reads a request as JSON from standard input and writes
`{"seconds": …, "points": …, "images": …}` or `{"error": "one sentence"}` to standard output.
"""

import json
import sys
from pathlib import Path

import msgspec

from landscape.core.errors import LandscapeError, RequestError
from landscape.core.requests import AnyRequest, TrainRequest, request_from_json
from landscape.networks.evaluator import choose_device
from landscape.service.home import Home
from landscape.service.loading import load
from landscape.service.references import as_home
from landscape.service.tuning import choose_strategy, seconds_per_point
from landscape.studies.table import STUDIES


class Estimate(msgspec.Struct, frozen=True):
    """What a request will cost: seconds, points, and images passed through the network at each point."""

    seconds: float
    points: int
    images: int


def estimate(request: AnyRequest, *, home: Home | Path | None = None, device: str = "auto") -> Estimate:
    """Measure one point on a sample of the images and scale up.

    Raises:
        LandscapeError: Whatever would stop the computation from starting, in one sentence.
    """
    if isinstance(request, TrainRequest):
        raise RequestError(
            "Only lines and planes are estimated; a training run shows its progress as it goes."
        )
    home = as_home(home)
    loaded = load(request, home)
    sweep = STUDIES[loaded.request.study](loaded)
    where = choose_device(device)
    strategy = choose_strategy(sweep, home, where)
    each = seconds_per_point(sweep, where, strategy)
    images = len(loaded.task.data.train) + len(loaded.task.data.test)
    count = len(sweep.coefficients)
    return Estimate(seconds=each * count, points=count, images=images)


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

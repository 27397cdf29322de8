"""Requests: frozen, validated questions. Everything that determines a result is a field, and nothing else is.

Where a checkpoint or a data set is named, any reference will do when a person writes the request (a file,
`RUN_DIR@STEP`, a name such as `digits`). `landscape.service.compute` replaces each by its content digest before
the key is taken, so the key is the same wherever the files lie.
"""

import math
from typing import Literal, get_args

import msgspec

from landscape.core.errors import RequestError
from landscape.core.request_base import (
    SPLITS as SPLITS,
)
from landscape.core.request_base import (
    Device as Device,
)
from landscape.core.request_base import (
    Request as Request,
)
from landscape.core.request_base import (
    Split as Split,
)
from landscape.core.request_base import check_choice, check_counts, check_weight_decay
from landscape.core.search_requests import SearchRequest as SearchRequest
from landscape.core.training_requests import TrainRequest as TrainRequest

BatchNorm = Literal["recalibrate", "stored", "interpolate"]
Measure = Literal["nll", "loss", "error"]

MEASURES: tuple[Measure, ...] = get_args(Measure)
BATCH_NORM_POLICIES: tuple[BatchNorm, ...] = get_args(BatchNorm)


class EvaluationRequest(Request, frozen=True, kw_only=True):
    """What every study that evaluates checkpoints needs to know.

    Attributes:
        checkpoints: References or digests, in the order in which the study names them.
        data: The data set, or None for the one that the checkpoints were trained on.
        batch_norm: `recalibrate` re-estimates batch-norm statistics on the training sample at every point (exactly:
            as if the whole sample were one batch); `stored` uses the first checkpoint's; `interpolate` moves the
            statistics with the weights. Networks without batch norm give the same numbers under each.
        weight_decay: For the penalised loss = nll + 1/2 * weight_decay * |theta|^2; None for the one the
            checkpoints were trained with.
        train_samples: Number of training examples to evaluate, drawn stratified by class; None for all.
        test_samples: The same for the test split.
        sample_seed: Seed of that draw.
        task: Name of a task of the user's own (Python only), set by `compute`: network, loss and error are known to a
            request by this name alone, so two tasks that mean different things need different names.
    """

    checkpoints: tuple[str, ...]
    data: str | None = None
    task: str | None = None
    batch_norm: BatchNorm = "recalibrate"
    weight_decay: float | None = None
    train_samples: int | None = None
    test_samples: int | None = None
    sample_seed: int = 0

    def _check_evaluation(self) -> None:
        check_choice("batch-norm policy", self.batch_norm, BATCH_NORM_POLICIES)
        if self.weight_decay is not None:
            check_weight_decay(self.weight_decay)
        for name in ("train_samples", "test_samples"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(
                    f"{name} is {value}; give a whole number of at least 1, or leave it out for all."
                )

    def _check_number(self, count: int, what: str) -> None:
        if len(self.checkpoints) != count:
            raise RequestError(
                f"{what} needs {count} checkpoints; {len(self.checkpoints)} given. Name exactly {count}."
            )


class LineRequest(EvaluationRequest, frozen=True, kw_only=True, tag="line"):
    """The loss along the straight line (1 - t) * theta_A + t * theta_B through two checkpoints A and B.

    t = 0 is the first checkpoint, t = 1 the second. In the notation J(lambda * theta_1 + (1 - lambda) * theta_2) of
    Huang et al. (2017, figure 5), t is 1 - lambda when A is theta_1.

    Attributes:
        points: Number of equally spaced values of t, ends included, at least 2.
        start: First t; below 0 the line begins before A.
        stop: Last t; above 1 it goes on behind B.
    """

    points: int = 51
    start: float = 0.0
    stop: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a line that cannot be drawn."""
        self._check_evaluation()
        self._check_number(2, "A line")
        _check_points(self.points, self.start, self.stop)


class PlaneRequest(EvaluationRequest, frozen=True, kw_only=True, tag="plane"):
    """The loss over the plane through three checkpoints (Garipov et al. 2018, section 3 and appendix).

    Axes are lengths in weight space. With A, B, C the checkpoints: u is the unit vector from A to B; v is the unit
    vector perpendicular to u in the plane, towards C. A lies at (0, 0), B at (|B - A|, 0).

    Attributes:
        columns: Grid points along u (alpha), at least 2.
        rows: Grid points along v (beta), at least 2.
        margin: Extra room on each side, as a fraction of the extent of the three checkpoints along that axis.
    """

    columns: int = 41
    rows: int = 41
    margin: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a plane that cannot be drawn."""
        self._check_evaluation()
        self._check_number(3, "A plane")
        if min(self.columns, self.rows) < 2:
            raise RequestError(
                f"The resolution is {self.columns} x {self.rows} (columns x rows); give at least 2 along each axis."
            )
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise RequestError(f"The margin is {self.margin}; give a fraction of at least 0, such as 0.2.")


class GroupedRequest(EvaluationRequest, frozen=True, kw_only=True):
    """What studies of whole groups of checkpoints share; a group is most often the snapshots of one run.

    Attributes:
        groups: Name of the group of each checkpoint, parallel to `checkpoints`; the checkpoints of one group stand
            together, in the order of training. Empty for one group of all.
    """

    groups: tuple[str, ...] = ()

    def _check_groups(self, least: int, what: str) -> None:
        if self.groups and len(self.groups) != len(self.checkpoints):
            raise RequestError(
                f"{len(self.checkpoints)} checkpoints and {len(self.groups)} group names are given; name the group of "
                "each checkpoint, or of none."
            )
        if not self.checkpoints:
            raise RequestError(f"{what} needs checkpoints, and none is given; name runs or checkpoints.")
        for name, members in self.members.items():
            if list(members) != list(range(members[0], members[-1] + 1)):
                raise RequestError(
                    f"The checkpoints of the group {name!r} do not stand together; list one group after the other."
                )
            if len(members) < least:
                raise RequestError(
                    f"{what} needs at least {least} checkpoints in each group; {name or 'the group'} has "
                    f"{len(members)}. Name more of them, or leave the group out."
                )

    @property
    def members(self) -> dict[str, tuple[int, ...]]:
        """Places of the checkpoints of each group, by its name; "" is the name of the only one if there are none."""
        names = self.groups or ("",) * len(self.checkpoints)
        return {
            name: tuple(i for i, each in enumerate(names) if each == name) for name in dict.fromkeys(names)
        }


class FanRequest(GroupedRequest, frozen=True, kw_only=True, tag="fan"):
    """In each group, the straight lines from every earlier checkpoint to the last (Huang et al. 2017, figure 5).

    J(t * theta_last + (1 - t) * theta_earlier): t = 1 is the last checkpoint of the group, as lambda = 1 in the paper.

    Attributes:
        points: Number of equally spaced values of t, ends included, at least 2.
        start: First t; below 0 each line begins before the earlier checkpoint.
        stop: Last t; above 1 it goes on behind the last one.
    """

    points: int = 21
    start: float = 0.0
    stop: float = 1.0

    def __post_init__(self) -> None:
        """Refuse lines that cannot be drawn."""
        self._check_evaluation()
        self._check_groups(2, "A fan of lines")
        _check_points(self.points, self.start, self.stop)


class EnsembleRequest(GroupedRequest, frozen=True, kw_only=True, tag="ensemble"):
    """The quality of the mean of softmax outputs over the number of members (Huang et al. 2017, figure 3).

    In each group: ensembles of the last m and of the first m checkpoints, each member alone, and the network at the
    mean of the members' weights, whose batch-norm statistics are re-estimated.

    Attributes:
        batch_norm: `stored` evaluates each checkpoint with its own statistics; `recalibrate` re-estimates them for
            each on the training sample.
        bins: Number of equally wide bins of confidence in the expected calibration error (Guo et al. 2017).
    """

    batch_norm: BatchNorm = "stored"
    bins: int = 15

    def __post_init__(self) -> None:
        """Refuse an ensemble that cannot be evaluated."""
        self._check_evaluation()
        self._check_groups(1, "An ensemble")
        _refuse_interpolation(self)
        check_counts(self, "bins")


class DiversityRequest(GroupedRequest, frozen=True, kw_only=True, tag="diversity"):
    """Whether networks make different mistakes: prediction correlation and disagreement of every pair.

    Softmax outputs are correlated as in Huang et al. (2017, figure 6), in three labelled ways because the paper does
    not say which; disagreement is the share of examples that two networks put into different classes (Fort et al.
    2019).

    Attributes:
        batch_norm: `stored` evaluates each checkpoint with its own statistics; `recalibrate` re-estimates them for
            each on the training sample.
    """

    batch_norm: BatchNorm = "stored"

    def __post_init__(self) -> None:
        """Refuse a comparison that cannot be made."""
        self._check_evaluation()
        self._check_groups(1, "A comparison of predictions")
        _refuse_interpolation(self)
        if len(self.checkpoints) < 2:
            raise RequestError("A comparison of predictions needs at least 2 checkpoints; name another one.")


AnyRequest = (
    TrainRequest
    | SearchRequest
    | LineRequest
    | PlaneRequest
    | FanRequest
    | EnsembleRequest
    | DiversityRequest
)
# Those whose answer is a dataset with checkpoints in it.
AnyEvaluation = LineRequest | PlaneRequest | FanRequest | EnsembleRequest | DiversityRequest
STUDIES: dict[str, type[Request]] = {
    "train": TrainRequest,
    "search": SearchRequest,
    "line": LineRequest,
    "plane": PlaneRequest,
    "fan": FanRequest,
    "ensemble": EnsembleRequest,
    "diversity": DiversityRequest,
}


def request_from_json(text: str | bytes) -> AnyRequest:
    """The request that `to_json` wrote.

    Raises:
        RequestError: The text is not valid JSON, names an unknown study or field, or holds an impossible value.
    """
    try:
        return msgspec.json.decode(text, type=AnyRequest)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        # msgspec wraps what __post_init__ raises; the sentence inside is the one that helps.
        cause = error.__cause__
        if isinstance(cause, RequestError):
            raise cause from error
        raise RequestError(
            f"The request cannot be read: {error}. Compare it with one that the app wrote."
        ) from error


def _check_points(points: int, start: float, stop: float) -> None:
    if points < 2:
        raise RequestError(f"The line has {points} points; give at least 2.")
    if not (math.isfinite(start) and math.isfinite(stop)) or start >= stop:
        raise RequestError(
            f"The range {start:g}:{stop:g} is empty or reversed; give the smaller number first, such as -0.5:1.5."
        )


def _refuse_interpolation(request: EvaluationRequest) -> None:
    if request.batch_norm == "interpolate":
        raise RequestError(
            "The batch-norm policy interpolate has no meaning for single checkpoints; choose stored or recalibrate."
        )

"""Requests: frozen, validated questions. Everything that determines a result is a field, and nothing else is.

Where a checkpoint or a data set is named, any reference will do when a person writes the request (a file,
`RUN_DIR@STEP`, a name such as `digits`). `landscape.service.compute` replaces each by its content digest before
the key is taken, so the key is the same wherever the files lie.
"""

import hashlib
import math
from typing import Literal, get_args

import msgspec

from landscape.core.errors import RequestError, unknown_name

BatchNorm = Literal["recalibrate", "stored", "interpolate"]
Recipe = Literal["standard", "snapshot"]
Phase = Literal["paper", "reference"]
Momentum = Literal["keep", "reset"]
Augmentation = Literal["none", "crop-flip"]
Device = Literal["auto", "cpu", "cuda"]
Split = Literal["train", "test"]
Measure = Literal["nll", "loss", "error"]

SPLITS: tuple[Split, ...] = get_args(Split)
MEASURES: tuple[Measure, ...] = get_args(Measure)
BATCH_NORM_POLICIES: tuple[BatchNorm, ...] = get_args(BatchNorm)

# A change in the meaning of a stored number raises this, so that an older result is not mistaken for a new one.
REQUEST_VERSION = 1


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="study"):
    """The common part of all requests: canonical JSON and the key taken from it."""

    @property
    def study(self) -> str:
        """The name of the study that answers this request."""
        return str(self.__struct_config__.tag)

    def to_json(self) -> str:
        """Canonical JSON: fields in their declared order, defaults written out, no spaces.

        Raises:
            RequestError: A field has a value of another type, such as 2.5 for a whole number.
        """
        text = msgspec.json.encode(self, order="deterministic")
        try:
            # Read and written once more, so that 0 and 0.0 for the same number are the same text, and the same key.
            same = msgspec.json.decode(text, type=type(self))
        except msgspec.ValidationError as error:
            raise RequestError(
                f"The request cannot be written: {error}. Give a value of that type."
            ) from error
        return msgspec.json.encode(same, order="deterministic").decode()

    @property
    def key(self) -> str:
        """Hex SHA-256 of version and canonical JSON; the same in every process and on every machine."""
        return hashlib.sha256(f"{REQUEST_VERSION}:{self.to_json()}".encode()).hexdigest()


class TrainRequest(Request, frozen=True, kw_only=True, tag="train"):
    """One training run.

    Attributes:
        data: A data set's name (`digits`, `CIFAR10`, ...), a path, or a digest.
        architecture: A name of the registry, e.g. `convnet`, `resnet20`, `resnet20-conv`, `resnet20-noshort`.
        recipe: `standard` is step decay (a tenth at 50% and at 75% of the steps; Huang et al. 2017, section 4);
            `snapshot` is one cosine cycle per snapshot, set per step (Huang et al. 2017, eq. 2).
        cycles: Number of checkpoints kept after the start: one per cosine cycle, or at equal steps.
        epochs: Passes over the training split.
        learning_rate: The highest rate (alpha_0), per step of the optimiser.
        momentum: Nesterov momentum, in [0, 1).
        weight_decay: Factor of the penalty 1/2 * weight_decay * |theta|^2.
        batch_size: Examples per step; the last batch of an epoch may be short.
        seed: Root of every random choice: start, data order, augmentation.
        phase: `paper` starts each cycle at alpha_0 exactly; `reference` is the released code, one step later.
        restart_momentum: Whether the momentum buffer survives a restart (`keep`, as the released code) or not.
        augmentation: `crop-flip` is a random crop from a 4-pixel border and a horizontal flip.
    """

    data: str = "digits"
    architecture: str = "convnet"
    recipe: Recipe = "snapshot"
    cycles: int = 6
    epochs: int = 60
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    batch_size: int = 64
    seed: int = 0
    phase: Phase = "paper"
    restart_momentum: Momentum = "keep"
    augmentation: Augmentation = "none"

    def __post_init__(self) -> None:
        """Refuse values that no training could use."""
        for name in ("cycles", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise RequestError(f"{name} is {getattr(self, name)}; give a whole number of at least 1.")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise RequestError(
                f"The learning rate is {self.learning_rate}; give a positive number such as 0.1."
            )
        if not 0 <= self.momentum < 1:
            raise RequestError(f"The momentum is {self.momentum}; give a number in [0, 1), such as 0.9.")
        _check_weight_decay(self.weight_decay)
        _check_choice("recipe", self.recipe, get_args(Recipe))
        _check_choice("phase", self.phase, get_args(Phase))
        _check_choice("restart_momentum", self.restart_momentum, get_args(Momentum))
        _check_choice("augmentation", self.augmentation, get_args(Augmentation))


class EvaluationRequest(Request, frozen=True, kw_only=True):
    """What every study that evaluates points in weight space needs to know.

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

    def _check_evaluation(self, count: int, what: str) -> None:
        if len(self.checkpoints) != count:
            raise RequestError(
                f"{what} needs {count} checkpoints; {len(self.checkpoints)} given. Name exactly {count}."
            )
        _check_choice("batch-norm policy", self.batch_norm, BATCH_NORM_POLICIES)
        if self.weight_decay is not None:
            _check_weight_decay(self.weight_decay)
        for name in ("train_samples", "test_samples"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(
                    f"{name} is {value}; give a whole number of at least 1, or leave it out for all."
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
        self._check_evaluation(2, "A line")
        if self.points < 2:
            raise RequestError(f"The line has {self.points} points; give at least 2.")
        if not (math.isfinite(self.start) and math.isfinite(self.stop)) or self.start >= self.stop:
            raise RequestError(
                f"The range {self.start:g}:{self.stop:g} is empty or reversed; give the smaller number first, "
                "such as -0.5:1.5."
            )


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
        self._check_evaluation(3, "A plane")
        if min(self.columns, self.rows) < 2:
            raise RequestError(
                f"The resolution is {self.columns} x {self.rows} (columns x rows); give at least 2 along each axis."
            )
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise RequestError(f"The margin is {self.margin}; give a fraction of at least 0, such as 0.2.")


AnyRequest = TrainRequest | LineRequest | PlaneRequest
STUDIES: dict[str, type[Request]] = {"train": TrainRequest, "line": LineRequest, "plane": PlaneRequest}


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


def _check_choice(kind: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RequestError(unknown_name(kind, value, known))


def _check_weight_decay(value: float) -> None:
    if not (value >= 0 and math.isfinite(value)):
        raise RequestError(f"The weight decay is {value}; give a number of at least 0, such as 1e-4.")

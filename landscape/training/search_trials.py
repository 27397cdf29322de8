"""The trials of a search: which settings each one tries, who goes on to a longer stage, and what becomes of it.

Of Optuna this uses the random sampler and its distributions, which draw the settings; the journal storage, which keeps
settings, validation errors and outcomes in one file that survives a kill and opens in Optuna's own tools (dashboard,
importances); and ask and tell between the two. Its successive-halving pruner is asynchronous: it compares a trial with
those that happen to have reported before, and the first one always goes on, so the outcome would depend on how many
train at once. Here a stage ends before anybody goes on (Jamieson and Talwalkar 2016, algorithm 1), which is the same
for any number of workers.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, assert_never

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from landscape.core.data_references import Modifier
from landscape.core.errors import RequestError, TrainingError
from landscape.core.files import write_bytes_atomically, write_error
from landscape.core.requests import SearchRequest, TrainRequest
from landscape.core.search_requests import RANGES
from landscape.core.seeds import seed_for
from landscape.core.training_requests import why_unused

Outcome = Literal["complete", "pruned", "failed"]

_DIGEST = "data digest"
_SEEDS = 2**32  # of NumPy's RandomState, from which Optuna's sampler draws


class Measures(NamedTuple):
    """What a stage says of a network, on the validation split, in the order in which networks are compared.

    Attributes:
        error: Fraction of examples.
        loss: Mean cross-entropy in nats; it decides where errors are equal, as they often are on few examples.
    """

    error: float
    loss: float


class Trials:
    """The trials of one search in Optuna's journal. Only one process at a time may hold those of one file.

    Args:
        request: The search.
        file: The journal. It is made if it does not exist; a line that a power cut has left half-written is dropped
            with all that come after, and what they said is measured or drawn again, with the same values.
        data_digest: Digest of the data set that `request.data` names.

    Raises:
        TrainingError: The journal was begun with other data.
        StoreError: The journal cannot be written.
    """

    def __init__(self, request: SearchRequest, file: Path, data_digest: str) -> None:
        self._file = file
        _drop_torn_lines(file)
        with self._writing(), _quiet():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._study = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(file), lock_obj=_NoLock(str(file)))),
                study_name=request.key,
                direction="minimize",
                sampler=RandomSampler(),
                pruner=optuna.pruners.NopPruner(),
                load_if_exists=True,
            )
            self._check_data(data_digest)
            self._trials = [self._open(number, request) for number in range(request.trials)]

    def settings(self, number: int) -> dict[str, float]:
        """What trial `number` (from 0) tries: values of the run's fields, each drawn from its range.

        A value depends on the search's seed, the trial's number, the field and its range, and on nothing else.
        """
        return dict(self._trials[number].params)

    def report(self, number: int, epochs: int, error: float) -> None:
        """Note the validation error of a trial after a stage of so many epochs; noting it again changes nothing.

        Raises:
            StoreError: The journal cannot be written.
        """
        trial = self._frozen(number)
        if not trial.state.is_finished() and epochs not in trial.intermediate_values:
            with self._writing():
                self._trials[number].report(error, step=epochs)

    def close(self, number: int, outcome: Outcome) -> None:
        """Note what has become of a trial; of one that is closed nothing changes.

        Raises:
            StoreError: The journal cannot be written.
        """
        trial = self._frozen(number)
        if trial.state.is_finished():
            return
        with self._writing():
            match outcome:
                case "complete":
                    error = trial.intermediate_values[max(trial.intermediate_values)]
                    self._study.tell(self._trials[number], error)
                case "pruned":
                    self._study.tell(self._trials[number], state=TrialState.PRUNED)
                case "failed":
                    self._study.tell(self._trials[number], state=TrialState.FAIL)
                case _:
                    assert_never(outcome)

    def _check_data(self, digest: str) -> None:
        before = self._study.user_attrs.get(_DIGEST)
        if before is None:
            self._study.set_user_attr(_DIGEST, digest)
        elif before != digest:
            raise TrainingError(
                f"The search in {self._file.parent} was begun with other data (digest {before[:12]}, now "
                f"{digest[:12]}); bring back the same data, or delete that folder to search again."
            )

    def _open(self, number: int, request: SearchRequest) -> Trial:
        known = self._study.get_trials(deepcopy=False)
        # Optuna has no other way to go on with a trial that an earlier process has begun.
        trial = Trial(self._study, known[number]._trial_id) if number < len(known) else self._study.ask()
        in_log = dict(RANGES.values())
        for field, ends in request.drawn.items():
            seed = seed_for(request.seed, f"search: {field} of trial {number}") % _SEEDS
            self._study.sampler = RandomSampler(seed)
            trial.suggest_float(field, *ends, log=in_log[field])
        return trial

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(self._file, error) from error


def stage_epochs(request: SearchRequest) -> tuple[int, ...]:
    """Epochs of each stage; the last is the run's own number."""
    return (*request.stages, request.epochs)


def planned_entrants(request: SearchRequest) -> list[int]:
    """Number of trials that enter each stage if none fails."""
    counts = [request.trials]
    for _ in request.stages:
        counts.append(share_kept(counts[-1], request.keep))
    return counts


def share_kept(entered: int, keep: int) -> int:
    """How many of those that entered a stage go on: one in `keep`, rounded up so that there is always one."""
    return -(-entered // keep)


def going_on(measured: Mapping[int, Measures], *, entered: int, keep: int) -> list[int]:
    """The numbers of the trials that go on to the next stage, increasing.

    Args:
        measured: Those that came through the stage, by number.
        entered: How many had entered it; those that failed count.
        keep: One in so many goes on.
    """
    return sorted(ranked(measured)[: share_kept(entered, keep)])


def ranked(measured: Mapping[int, Measures]) -> list[int]:
    """Numbers of trials, the best first: by error, then loss, then number."""
    return sorted(measured, key=lambda number: (*measured[number], number))


def validation_modifier(request: SearchRequest) -> str:
    """What stands behind `request.data` in the runs of the trials: the part of the training split that is held out."""
    return Modifier("validation", request.validation).text


def trial_request(request: SearchRequest, settings: Mapping[str, float], epochs: int) -> TrainRequest:
    """The run of a trial in a stage of so many epochs.

    Raises:
        RequestError: No run can have these settings, or so few epochs.
    """
    names = [name for name in TrainRequest.__struct_fields__ if why_unused(request, name) is None]
    fields = {name: getattr(request, name) for name in names}
    fields |= {**settings, "epochs": epochs, "data": request.data + validation_modifier(request)}
    try:
        return TrainRequest(**fields)
    except RequestError as error:
        if epochs == request.epochs:
            raise
        raise RequestError(f"The search's stage with epochs={epochs} cannot be trained. {error}") from error


class _NoLock(JournalFileOpenLock):
    """Optuna's own lock would outlive a killed process for half a minute; whoever opens `Trials` holds a better one."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _drop_torn_lines(file: Path) -> None:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_error(file, error) from error
    sound = 0
    for line in content.splitlines(keepends=True):
        if not (line.endswith(b"\n") and _is_json(line)):
            write_bytes_atomically(file, content[:sound])
            return
        sound += len(line)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of every new study on standard error; its level belongs to the caller."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)

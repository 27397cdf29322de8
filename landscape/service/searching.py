"""A search: many settings of a training run tried at random, coarse to fine, on a part of the training split.

Truth is in the runs and in the journal of the trials (`training/search_trials.py`), both under `searches/` in the
working folder: a search that was stopped or killed finds what is finished there and goes on.
"""

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import xarray as xr

from landscape.core.data_references import lasting_reference
from landscape.core.errors import DivergedError, LandscapeError, StoppedError, TrainingError
from landscape.core.requests import SearchRequest
from landscape.core.results import provenance_of
from landscape.networks.data_variants import apply_modifiers
from landscape.networks.datasets import load_data
from landscape.networks.evaluator import choose_device
from landscape.networks.tasks import Data
from landscape.service.home import Home
from landscape.service.locks import locked
from landscape.service.references import load_checkpoint
from landscape.service.search_results import Findings, search_dataset
from landscape.service.store import Store
from landscape.service.training import load_start, network_of
from landscape.training.batches import Batches
from landscape.training.crew import MemberJob
from landscape.training.ingredients import Ingredients, Progress
from landscape.training.quickest import train_quickest
from landscape.training.recipes import plan_of
from landscape.training.runs import DataRecord, Run
from landscape.training.search_trials import (
    Measures,
    Outcome,
    Trials,
    going_on,
    planned_entrants,
    ranked,
    stage_epochs,
    trial_request,
    validation_modifier,
)

WAITING_SECONDS = 0.5  # how often somebody who waits for another process looks whether to stop


def search(
    request: SearchRequest,
    home: Home,
    *,
    device: str,
    progress: Progress,
    stop: Callable[[], bool],
    download: bool = False,
) -> xr.Dataset:
    """Search, or go on with a search, or find the result of a finished one.

    All trials train for the epochs of the first stage, each from a fresh start; of those that entered a stage, one in
    `keep` (rounded up) goes on to the next, where it starts afresh again. Judged is what the recipe makes of a run: its
    last average if it keeps averages, else its last iterate. On a CPU the numbers are the same to the bit however many
    trials train at once, and whether or not the search was interrupted.

    Args:
        request: The search. Checkpoints in it are replaced by their digests before anything is written.
        home: The working folder.
        device: auto, cpu or cuda.
        progress: Told (epochs done, epochs in all, note).
        stop: Asked all the time.
        download: Whether a data set that is known by name may be fetched.

    Returns:
        A dataset of the study `search`; see `core/results.py`. The checkpoints of its provenance are the best networks
        that were trained to the end, the best first.

    Raises:
        StoppedError: `stop` returned true; the same call goes on from there.
        TrainingError: Every trial failed in the first stage, or the search was begun with other data.
        LandscapeError: Whatever else is wrong, in one sentence.
    """
    data = load_data(request.data, download=download, cache=home.data)
    store = Store(home)
    store.remember(data.digest, "data", lasting_reference(request.data))
    asked, request = request, _canonical(request, home)
    store.link(asked.key, request.key)
    while True:
        # Two that train in the same folders would disturb each other: the second waits for the first's result.
        with locked(home.jobs / f"{request.key}.lock", patience=WAITING_SECONDS) as held:
            found = store.load(request.key)
            if found is not None and provenance_of(found).data_digest == data.digest:
                return found
            if held:
                begin = time.perf_counter()
                journey = _Search.begin(request, home, data, device, progress, stop)
                findings = journey.findings()
                seconds = time.perf_counter() - begin
                result = search_dataset(asked, request, findings, data, journey.ingredients, home, seconds)
                store.put(request.key, result)
                return result
        progress(0, 0, "waiting for another process that searches the same")
        if stop():
            raise StoppedError(
                "The search was stopped while another process searches the same; ask again for its result."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    """One search with all that it needs.

    Attributes:
        request: With digests for checkpoints.
        folder: Where runs and journal lie.
        cache: Folder of decoded images.
        ingredients: For every run; the `test` of its data is the validation part.
        record: Which data, for every run.
        trials: Settings and outcomes.
        progress: Told (epochs done, epochs in all, note).
        stop: Asked all the time.
    """

    request: SearchRequest
    folder: Path
    cache: Path
    ingredients: Ingredients
    record: DataRecord
    trials: Trials
    progress: Progress
    stop: Callable[[], bool]

    @classmethod
    def begin(
        cls,
        request: SearchRequest,
        home: Home,
        whole: Data,
        device: str,
        progress: Progress,
        stop: Callable[[], bool],
    ) -> "_Search":
        modifier = validation_modifier(request)
        data = apply_modifiers(whole, modifier)  # from here on there is no test split
        reference = lasting_reference(request.data) + modifier
        Store(home).remember(data.digest, "data", reference)
        teachers = [load_checkpoint(digest, home=home) for digest in request.teachers]
        ingredients = Ingredients(
            data=data,
            device=choose_device(device),
            start=None if request.start_from is None else load_start(request.start_from, home),
            teachers=[network_of(teacher, data) for teacher in teachers],
        )
        folder = home.searches / request.key[:16]
        search = cls(
            request=request,
            folder=folder,
            cache=home.data,
            ingredients=ingredients,
            record=DataRecord(name=data.name, digest=data.digest, reference=reference),
            trials=Trials(request, folder / "trials.log", whole.digest),
            progress=progress,
            stop=stop,
        )
        search.check_stages()
        return search

    def check_stages(self) -> None:
        """Refuse what a later stage would stumble over before the first one trains."""
        for number in range(self.request.trials):
            # The full length first: what is wrong in every stage is not about a short one.
            for epochs in reversed(stage_epochs(self.request)):
                run = trial_request(self.request, self.trials.settings(number), epochs)
                if number == 0:
                    plan_of(run, Batches(self.ingredients.data.train, run).steps_per_epoch)

    def findings(self) -> Findings:
        """Train stage after stage; see `search`."""
        stages = stage_epochs(self.request)
        shape = (self.request.trials, len(stages))
        errors, losses = np.full(shape, np.nan), np.full(shape, np.nan)
        outcomes: dict[int, Outcome] = {}
        entrants = list(range(self.request.trials))
        runs: dict[int, Run] = {}
        measured: dict[int, Measures] = {}
        for stage, epochs in enumerate(stages):
            is_last = stage == len(stages) - 1
            runs = self._train(stage, entrants)
            measured = {number: measures for number, run in runs.items() if (measures := _measures(run))}
            for number in entrants:
                errors[number, stage], losses[number, stage] = measured.get(number, (math.inf, math.inf))
            for number, measures in measured.items():
                self.trials.report(number, epochs, measures.error)
            chosen = going_on(measured, entered=len(entrants), keep=1 if is_last else self.request.keep)
            outcomes |= self._closed(entrants, measured, () if is_last else chosen, is_last)
            entrants = chosen
        if not np.isfinite(errors).any():
            raise TrainingError(
                f"All {self.request.trials} trials failed because their losses became infinite; search lower learning "
                "rates."
            )
        return Findings(
            settings=[self.trials.settings(number) for number in range(self.request.trials)],
            errors=errors,
            losses=losses,
            outcomes=[outcomes[number] for number in range(self.request.trials)],
            folders=[
                self._run_folder(number, reached - 1) for number, reached in enumerate(_reached(errors))
            ],
            best=[runs[number] for number in ranked(measured)[: self.request.best]],
        )

    def _train(self, stage: int, entrants: Sequence[int]) -> dict[int, Run]:
        """The runs of those that enter a stage, by number; who is missing has failed."""
        stages, planned = stage_epochs(self.request), planned_entrants(self.request)
        work = [count * epochs for count, epochs in zip(planned, stages, strict=True)]
        before = sum(work[:stage])

        def report(done: int, total: int, note: str) -> None:
            self.progress(
                before + work[stage] * done // max(total, 1),
                sum(work),
                f"stage {stage + 1} of {len(stages)}, {note}",
            )

        jobs = [
            MemberJob(
                request=trial_request(self.request, self.trials.settings(number), stages[stage]),
                folder=self._run_folder(number, stage),
                record=self.record,
            )
            for number in entrants
        ]
        # Also those that have failed before: how many there are decides how many threads each one gets.
        found = train_quickest(
            jobs, self.ingredients, cache=self.cache, progress=report, stop=self.stop, what="trial"
        )
        for each in found:
            if isinstance(each, LandscapeError) and not isinstance(each, DivergedError):
                raise each
        return {number: run for number, run in zip(entrants, found, strict=True) if isinstance(run, Run)}

    def _closed(
        self, entrants: Sequence[int], measured: Collection[int], chosen: Collection[int], is_last: bool
    ) -> dict[int, Outcome]:
        """The outcomes of those that do not go on, which are noted in the journal."""
        came_through: Outcome = "complete" if is_last else "pruned"
        outcomes: dict[int, Outcome] = {
            number: came_through if number in measured else "failed"
            for number in entrants
            if number not in chosen
        }
        for number, outcome in outcomes.items():
            self.trials.close(number, outcome)
        return outcomes

    def _run_folder(self, number: int, stage: int) -> Path:
        return self.folder / "runs" / f"trial-{number:03d}-stage-{stage + 1}"


def _canonical(request: SearchRequest, home: Home) -> SearchRequest:
    """The same with the digests of the checkpoints that it names."""
    start = request.start_from
    return msgspec.structs.replace(
        request,
        start_from=None if start is None else load_checkpoint(start, home=home).digest,
        teachers=tuple(load_checkpoint(each, home=home).digest for each in request.teachers),
    )


def _measures(run: Run) -> Measures | None:
    """What the stage made of a trial, or None if that is not finite."""
    history = run.history
    # Recipes that average are judged by their average, whose statistics are re-estimated.
    kind = "average" if run.average_files else "checkpoint"
    measures = Measures(
        error=1.0 - float(history[f"{kind}_test_accuracy"][-1]), loss=float(history[f"{kind}_test_loss"][-1])
    )
    return measures if all(map(math.isfinite, measures)) else None


def _reached(errors: np.ndarray) -> list[int]:
    """Number of stages that each trial entered."""
    return (~np.isnan(errors)).sum(1).tolist()

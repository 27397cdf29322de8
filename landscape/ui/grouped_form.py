"""The form of the studies that take whole runs: a fan of lines, an ensemble, a comparison of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from landscape.core.errors import RequestError
from landscape.core.requests import AnyRequest, BatchNorm
from landscape.service.library import CheckpointEntry, RunEntry, compatible, list_runs, snapshots
from landscape.ui.choices import Choice, obstacles
from landscape.ui.controls import segments
from landscape.ui.estimate_view import show_run_button
from landscape.ui.fields import request_from_fields
from landscape.ui.presets import choose_policy, choose_preset
from landscape.ui.state import open_home, shipped_folder
from landscape.ui.text import plain, plural

Kind = Literal["fan", "ensemble", "diversity"]
Take = Literal["runs", "checkpoints"]
_TAKE: dict[Take, str] = {"runs": "Whole runs", "checkpoints": "Single checkpoints"}
_LEAST: dict[Kind, int] = {"fan": 2, "ensemble": 1, "diversity": 1}
_SENTENCES: dict[Kind, str] = {
    "fan": "In each run, the straight lines from every earlier snapshot to the last: is there a barrier between them? "
    "*(Huang et al. 2017, figure 5)*",
    "ensemble": "The error of the mean of several networks' predictions, over their number; and that of one network at "
    "the mean of their weights. *(Huang et al. 2017, figure 3)*",
    "diversity": "How alike the predictions of every two networks are: their correlation, and the share of images that "
    "they put into different classes. *(Huang et al. 2017, figure 6; Fort et al. 2019)*",
}
_OWN_POLICIES: dict[BatchNorm, str] = {
    "stored": "Stored: each network has its own",
    "recalibrate": "Recalibrate: measured anew on the training images, for each network",
}


@dataclass(frozen=True)
class Group:
    """Checkpoints that belong together; without a name where they are the only ones."""

    name: str
    entries: tuple[CheckpointEntry, ...]
    recipe: str = ""


def show_grouped_form(kind: Kind, choices: Sequence[Choice]) -> AnyRequest | None:
    """Show the form; returns the request once the reader presses Run."""
    st.caption(_SENTENCES[kind])
    take = segments("Take", tuple(_TAKE), key="take", names=_TAKE)
    groups = _pick_runs(kind) if take == "runs" else _pick_checkpoints(kind, choices)
    fields = _fan_fields() if kind == "fan" else _prediction_fields(kind)
    if not groups:
        return None
    names = [group.name for group in groups for _ in group.entries]
    references = [entry.reference for group in groups for entry in group.entries]
    try:
        request = request_from_fields(
            kind, {**fields, "checkpoints": references, "groups": names if any(names) else []}
        )
    except RequestError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return request if show_run_button(request, measured=kind == "fan") else None


def _pick_runs(kind: Kind) -> list[Group]:
    # The reader's own runs first: they are most likely what is asked about.
    runs = sorted(list_runs(open_home(), extra=shipped_folder()), key=lambda run: run.origin != "run")
    found = _groups_of(runs, least=_LEAST[kind])
    if not found:
        st.warning(
            f"No run has {plural(_LEAST[kind], 'snapshot')} that can be used; train one, or take single checkpoints.",
            icon=":material/warning:",
        )
        return []
    by_name = {group.name: group for group in found}
    chosen = st.multiselect(
        "Runs",
        list(by_name),
        default=_guess(found),
        key="runs",
        bind="query-params",
        placeholder="Choose runs",
        help="Each run's snapshots are one group: the ends of its cycles, its networks, or its checkpoints at equal "
        "steps.",
    )
    groups = [by_name[name] for name in chosen]
    if not groups:
        st.caption("Choose at least one run.")
        return []
    counts = [f"{plain(group.name)}: {plural(len(group.entries), 'snapshot')}" for group in groups]
    st.caption(" · ".join(counts))
    reasons = [reason for reason in compatible([group.entries[0] for group in groups]) if reason]
    for reason in reasons:
        st.error(plain(reason), icon=":material/error:")
    return [] if reasons else groups


def _pick_checkpoints(kind: Kind, choices: Sequence[Choice]) -> list[Group]:
    usable = {choice.name: choice for choice in choices if choice.entry.problem is None}
    names = st.multiselect(
        "Checkpoints",
        list(usable),
        key="members",
        bind="query-params",
        placeholder="Choose checkpoints, in their order",
        help="The lines end in the last one." if kind == "fan" else "They are one group, in this order.",
    )
    picked = [usable[name] for name in names]
    least = max(2, _LEAST[kind])
    if len(picked) < least:
        st.caption(f"Choose at least {plural(least, 'checkpoint')}.")
        return []
    reasons = [reason for reason in obstacles(picked, picked[0]).values() if reason]
    for reason in reasons:
        st.error(plain(reason), icon=":material/error:")
    return [] if reasons else [Group("", tuple(choice.entry for choice in picked))]


def _groups_of(runs: Sequence[RunEntry], *, least: int) -> list[Group]:
    """The runs with enough snapshots, under names that no two have."""
    groups: dict[str, Group] = {}
    for run in runs:
        entries = tuple(entry for entry in snapshots(run) if entry.problem is None)
        if len(entries) < least:
            continue
        name, count = run.name, 2
        while name in groups:
            name, count = f"{run.name} ({count})", count + 1
        groups[name] = Group(name, entries, run.run.request.recipe if run.run is not None else "")
    return list(groups.values())


def _guess(groups: Sequence[Group]) -> list[str]:
    """The first run, and one that goes with it: of another recipe if there is one."""
    best: list[Group] = []
    for place, first in enumerate(groups):
        others = groups[place + 1 :]
        reasons = compatible([group.entries[0] for group in (first, *others)])[1:]
        fitting = [group for group, reason in zip(others, reasons, strict=True) if reason is None]
        fitting.sort(key=lambda group: group.recipe == first.recipe)
        guess = [first, *fitting[:1]]
        best = guess if len(guess) > len(best) else best
    return [group.name for group in best]


def _fan_fields() -> dict[str, Any]:
    preset = choose_preset()
    policy = choose_policy()
    name = preset.name.lower()
    with st.expander("Advanced", icon=":material/tune:"):
        columns = st.columns(3)
        points = columns[0].number_input("Points", value=preset.points, step=1, key=f"fan_points_{name}")
        start = columns[1].number_input("From t", value=0.0, step=0.25, key="fan_start")
        stop = columns[2].number_input("To t", value=1.0, step=0.25, key="fan_stop")
        samples = _samples(columns[0], columns[1], preset.samples or 0, variant=name)
        st.caption("t = 0 is the earlier snapshot, t = 1 the last one. 0 images means all of them.")
    return {"points": points, "start": start, "stop": stop, "batch_norm": policy, **samples}


def _prediction_fields(kind: Kind) -> dict[str, Any]:
    """Predictions are made once per network, so all images are taken from the start: there are no presets."""
    policy = st.selectbox(
        "Batch-norm statistics",
        list(_OWN_POLICIES),
        format_func=_OWN_POLICIES.__getitem__,
        key="own_batch_norm",
        bind="query-params",
    )
    fields: dict[str, Any] = {"batch_norm": policy}
    with st.expander("Advanced", icon=":material/tune:"):
        columns = st.columns(3)
        fields |= _samples(columns[0], columns[1], 0, variant="all")
        if kind == "ensemble":
            fields["bins"] = columns[2].number_input(
                "Bins of confidence",
                value=15,
                min_value=1,
                step=1,
                key="bins",
                help="Equally wide bins of the expected calibration error (Guo et al. 2017).",
            )
        st.caption("0 images means all of them.")
    return fields


def _samples(first: Any, second: Any, samples: int, *, variant: str) -> dict[str, Any]:
    train = first.number_input("Training images", value=samples, step=1, key=f"group_train_{variant}")
    test = second.number_input("Test images", value=samples, step=1, key=f"group_test_{variant}")
    return {"train_samples": train or None, "test_samples": test or None}

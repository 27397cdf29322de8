"""Results of whole groups of checkpoints, and a search, that were never computed."""

import numpy as np
import xarray as xr

from landscape.core.requests import SPLITS, DiversityRequest, EnsembleRequest, FanRequest, SearchRequest
from landscape.core.results import CORRELATIONS, ORDERS, QUALITIES, check_result
from tests.figures.synthetic_parts import digests, measures, provenance, twice

# Groups of different lengths; one name is awkward.
GROUPS = {"cyclic": 5, "<i>NoCycle</i> & $x$": 3}


def fan_result(
    groups=GROUPS, points=13, *, holes=True, title="Lines to the last one", batch_norm="recalibrate"
):
    """Lines from t = -0.3 to 1.2 whose t = 0 and t = 1 are not on the grid; the curve of pair p has the nll
    1 + p (1 - t) + 4 t (1 - t), with +inf at pair 1, t index 4, and NaN at pair 2, t index 7, unless `holes` is false.
    """
    labels, names, pairs = _members(groups)
    t = np.linspace(-0.3, 1.2, points)

    def nll(place):
        number = np.arange(len(pairs))[:, None]
        return 1 + number * (1 - place) + 4 * place * (1 - place)

    data = measures(nll(t[None, :]), ("pair", "t"))
    if holes:
        for _, values, _ in data.values():
            values[:, 1:2, 4], values[:, 2:3, 7] = np.inf, np.nan
    at_start, at_end = nll(np.zeros((1, 1)))[:, 0], nll(np.ones((1, 1)))[:, 0]
    own = np.zeros(len(labels))
    for number, (first, last) in enumerate(pairs):
        own[first], own[last] = at_start[number], at_end[number]
    request = FanRequest(
        checkpoints=digests(len(labels)), data="d" * 64, groups=names, points=points, start=-0.3, stop=1.2,
        batch_norm=batch_norm,
    )  # fmt: skip
    return check_result(
        xr.Dataset(
            {
                **data,
                "norm": (("pair", "t"), 30 + np.arange(len(pairs))[:, None] + t[None, :] ** 2),
                "length": ("pair", 5.5 + np.arange(len(pairs))),
                "pair_first": ("pair", np.array([first for first, _ in pairs])),
                "pair_last": ("pair", np.array([last for _, last in pairs])),
                "checkpoint_group": ("checkpoint", np.array(names, dtype=object)),
                **twice(measures(own, ("checkpoint",))),
            },
            coords={
                "split": list(SPLITS), "pair": np.arange(len(pairs)), "t": t, "checkpoint": list(labels),
            },
            attrs={"study": "fan", "title": title, "provenance": provenance(request, labels)},
        )
    )  # fmt: skip


def ensemble_result(groups=GROUPS, *, title="Ensembles", batch_norm="stored"):
    """Groups of 5 and 3: the error of m members is 0.3 / m + 0.01 * group (order last; 0.02 more for first), member
    k of group g alone errs on 0.3 + 0.01 k + 0.1 g, the average on 0.25 in the first group; the last group has no
    average (NaN). nll is 4 times the error, ece a fifth, brier twice; train is half of test. One member's nll is +inf.
    """
    labels, names, _ = _members(groups)
    largest = max(groups.values())
    size = np.arange(1, largest + 1)
    shape = (len(SPLITS), len(ORDERS), len(groups), largest)
    error = np.full(shape, np.nan)
    for place, count in enumerate(groups.values()):
        for order in range(len(ORDERS)):
            error[:, order, place, :count] = 0.3 / size[:count] + 0.01 * place + 0.02 * order
    alone = np.concatenate(
        [0.3 + 0.1 * place + 0.01 * np.arange(count) for place, count in enumerate(groups.values())]
    )
    average = np.array([0.25 + 0.01 * place for place in range(len(groups))])
    average[-1] = np.nan
    half = np.array([0.5, 1.0])
    factors = {"error": 1.0, "nll": 4.0, "ece": 0.2, "brier": 2.0}
    data = {}
    for quality in QUALITIES:
        factor = factors[quality]
        error[0] = 0.5 * error[1]
        data[quality] = (("split", "order", "group", "size"), factor * error)
        data[f"member_{quality}"] = (("split", "checkpoint"), factor * half[:, None] * alone)
        data[f"average_{quality}"] = (("split", "group"), factor * half[:, None] * average)
    data["member_nll"][1][:, 1:2] = np.inf
    request = EnsembleRequest(
        checkpoints=digests(len(labels)), data="d" * 64, groups=names, bins=11, batch_norm=batch_norm
    )
    return check_result(
        xr.Dataset(
            {
                **data,
                "epochs": (
                    "checkpoint",
                    np.concatenate([8.0 * np.arange(1, count + 1) for count in groups.values()]),
                ),
                "training": ("checkpoint", np.unique(np.array(names), return_inverse=True)[1]),
                "checkpoint_group": ("checkpoint", np.array(names, dtype=object)),
            },
            coords={
                "split": list(SPLITS), "order": list(ORDERS), "group": list(groups), "size": size,
                "checkpoint": list(labels),
            },
            attrs={"study": "ensemble", "title": title, "provenance": provenance(request, labels)},
        )
    )  # fmt: skip


def diversity_result(groups=GROUPS, *, holes=True, title="Do they make different mistakes?"):
    """Correlations fall by 0.02 per place within a group and are 0.5 between groups (test; 0.1 more on train, 0.05 less
    per variant); disagreement is half of 1 - correlation. Unless `holes` is false, checkpoints 0 and 1 have no
    correlation (NaN).
    """
    labels, names, _ = _members(groups)
    count = len(labels)
    place = np.arange(count)
    same = np.array(names)[:, None] == np.array(names)[None, :]
    base = np.where(same, 0.8 - 0.02 * np.abs(place[:, None] - place[None, :]), 0.5)
    correlation = np.empty((len(SPLITS), len(CORRELATIONS), count, count))
    for split in range(len(SPLITS)):
        for variant in range(len(CORRELATIONS)):
            correlation[split, variant] = base + 0.1 * (split == 0) - 0.05 * variant
            np.fill_diagonal(correlation[split, variant], 1.0)
    disagreement = 0.5 * (1 - correlation[:, 0])
    if holes:
        correlation[:, :, 0, 1] = correlation[:, :, 1, 0] = np.nan
    alone = 0.1 + 0.01 * np.arange(count)
    factors = {"error": 1.0, "nll": 4.0, "ece": 0.2, "brier": 2.0}
    request = DiversityRequest(checkpoints=digests(count), data="d" * 64, groups=names)
    return check_result(
        xr.Dataset(
            {
                "correlation": (("split", "variant", "checkpoint", "other"), correlation),
                "disagreement": (("split", "checkpoint", "other"), disagreement),
                **{
                    f"member_{quality}": (
                        ("split", "checkpoint"), factors[quality] * np.stack([alone / 2, alone])
                    )
                    for quality in QUALITIES
                },
                "checkpoint_group": ("checkpoint", np.array(names, dtype=object)),
            },
            coords={
                "split": list(SPLITS), "variant": list(CORRELATIONS), "checkpoint": list(labels),
                "other": list(labels),
            },
            attrs={"study": "diversity", "title": title, "provenance": provenance(request, labels)},
        )
    )  # fmt: skip


def search_result(trials=11, *, title="A search", best_rate=0.04):
    """A search over three settings in stages of 1, 4 and 12 epochs: of 11 trials 3 come through, 3 reach the second
    stage, 3 the first, trial 1 fails in the first (+inf) and trial 2 before it. The best is trial 4: error 0.031.
    """
    number = np.arange(trials)
    low, high = np.array([1e-3, 1e-6, 0.0]), np.array([1.0, 1e-2, 0.3])
    spread = (number * 7 % trials) / trials
    value = np.stack(
        [1e-3 * 1e3**spread, 1e-6 * 1e4 ** ((number * 3 % trials) / trials), 0.3 * number / trials], axis=1
    )
    value[4, 0] = best_rate
    error = np.full((trials, 3), np.nan)
    reached = np.where(number % 4 == 0, 3, np.where(number % 3 == 0, 2, 1))
    for trial, count in enumerate(reached):
        error[trial, :count] = 0.4 / np.arange(1, count + 1) + 0.01 * trial
    error[4, 2] = 0.031
    error[1] = [np.inf, np.nan, np.nan]
    error[2] = np.nan
    state = np.array(
        [
            "failed" if trial in (1, 2) else "complete" if reached[trial] == 3 else "pruned"
            for trial in number
        ],
        dtype=object,
    )
    request = SearchRequest(trials=trials, epochs=12, stages=(1, 4), label_smoothings=(0.0, 0.3))
    return check_result(
        xr.Dataset(
            {
                "value": (("trial", "parameter"), value),
                "validation_error": (("trial", "stage"), error),
                "validation_loss": (("trial", "stage"), 3 * error),
                "state": ("trial", state),
                "run": ("trial", np.array([f"runs/trial-{trial}" for trial in number], dtype=object)),
                "stage_epochs": ("stage", np.array([1, 4, 12])),
                "low": ("parameter", low),
                "high": ("parameter", high),
                "in_log": ("parameter", np.array([True, True, False])),
                "ensemble_error": ("size", np.array([0.031, 0.028, 0.027])),
            },
            coords={
                "trial": number, "stage": np.arange(1, 4), "size": np.arange(1, 4),
                "parameter": ["learning_rate", "weight_decay", "label_smoothing"],
            },
            attrs={
                "study": "search", "title": title,
                "provenance": provenance(
                    request, ("trial-4-stage-3", "trial-0-stage-3"), command="python -m landscape search",
                    samples={"train": 1150, "validation": 287, "test": 0},
                ),
            },
        )
    )  # fmt: skip


def _members(groups):
    """Labels, the group of each, and the places of the ends of each line of a fan."""
    labels, names, pairs = [], [], []
    for name, count in groups.items():
        first = len(labels)
        labels += [f"{name}@{100 * (number + 1)}" for number in range(count)]
        names += [name] * count
        pairs += [(first + number, first + count - 1) for number in range(count - 1)]
    return tuple(labels), tuple(names), pairs

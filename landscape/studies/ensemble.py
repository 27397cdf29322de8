"""The quality of ensembles over the number of their members (Huang et al. 2017, figure 3)."""

# Shapes: C checkpoints · G groups · Q measures of quality · S splits (train, test) · N examples

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import xarray as xr

from landscape.core.requests import SPLITS, EnsembleRequest
from landscape.core.results import ORDERS, QUALITIES
from landscape.networks.batch_norm import own_batch_norms
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.predictions import Predictions
from landscape.networks.tasks import Task
from landscape.studies.prediction_studies import (
    Comparison,
    Outputs,
    Wanted,
    mean_outputs,
    qualities,
    softmax_outputs,
    wanted_checkpoints,
)
from landscape.studies.sweeps import Loaded, Variables


def ensemble(loaded: Loaded) -> Comparison:
    """Ensembles of each group's last m and first m checkpoints, each member alone, and the mean of the weights.

    An ensemble is the mean of softmax outputs. The paper averages the last m; the first m are what its released code
    evaluates, too. The network at the mean of a group's weights has statistics re-estimated on the training sample
    (Izmailov et al. 2018), under either policy. It is not evaluated, NaN, where the members are not of one network,
    or where a batch norm with a forward of its own cannot be re-estimated.
    """
    request = loaded.request
    assert isinstance(
        request, EnsembleRequest
    )  # the table of studies maps each request type to its own study
    averages: dict[str, Wanted] = {}
    for name, places in request.members.items():
        members, task = [loaded.checkpoints[place] for place in places], loaded.task_of(places[0])
        if _is_one_network(members) and not _has_own_batch_norm(task):
            averages[name] = Wanted(checkpoint=_average(members), task=task, statistics="recalibrate")

    def measure(predictions: Sequence[Predictions]) -> xr.Dataset:
        members = predictions[: len(loaded.checkpoints)]
        return _measure(
            loaded, request, members, dict(zip(averages, predictions[len(members) :], strict=True))
        )

    return Comparison(
        loaded=loaded, wanted=(*wanted_checkpoints(loaded), *averages.values()), measure=measure
    )


def _measure(
    loaded: Loaded,
    request: EnsembleRequest,
    predictions: Sequence[Predictions],
    averages: dict[str, Predictions],
) -> xr.Dataset:
    groups = request.members
    largest = max(map(len, groups.values()))
    members = np.full((len(QUALITIES), len(SPLITS), len(predictions)), np.nan)
    average = np.full((len(QUALITIES), len(SPLITS), len(groups)), np.nan)
    grown = np.full((len(QUALITIES), len(SPLITS), len(ORDERS), len(groups), largest), np.nan)
    for number, split in enumerate(SPLITS):
        targets = loaded.task.data.split(split).targets.cpu().numpy()
        outputs = [softmax_outputs(each.split(split), targets) for each in predictions]
        members[:, number] = qualities(outputs, targets, bins=request.bins)
        for row, (name, places) in enumerate(groups.items()):
            of_group = [outputs[place] for place in places]
            for column, subsets in enumerate((_last(of_group), _first(of_group))):  # in the order of ORDERS
                found = qualities(map(mean_outputs, subsets), targets, bins=request.bins)
                grown[:, number, column, row, : len(places)] = found
            if name in averages:
                alone = softmax_outputs(averages[name].split(split), targets)
                average[:, number, row] = qualities([alone], targets, bins=request.bins)[:, 0]
    variables: Variables = {}
    for number, name in enumerate(QUALITIES):
        variables[name] = (("split", "order", "group", "size"), grown[number])
        variables[f"member_{name}"] = (("split", "checkpoint"), members[number])
        variables[f"average_{name}"] = (("split", "group"), average[number])
    epochs = [checkpoint.metadata.epoch for checkpoint in loaded.checkpoints]
    variables["epochs"] = (
        ("checkpoint",),
        np.array([np.nan if e is None else e for e in epochs], dtype=float),
    )
    variables["training"] = (("checkpoint",), _trainings(loaded.checkpoints))
    variables["checkpoint_group"] = (("checkpoint",), loaded.group_names)
    coordinates = {
        "split": np.array(SPLITS, dtype=object),
        "order": np.array(ORDERS, dtype=object),
        "group": np.array(list(groups), dtype=object),
        "size": np.arange(1, largest + 1),
        "checkpoint": np.array(loaded.labels, dtype=object),
    }
    return xr.Dataset(variables, coords=coordinates)


def _trainings(checkpoints: Sequence[Checkpoint]) -> np.ndarray:
    """A number for each training: checkpoints of one run and one seed are of one; a lone file is one by itself."""
    keys = []
    for checkpoint in checkpoints:
        folder, at, _ = checkpoint.source.rpartition("@")
        keys.append((folder if at else checkpoint.source or checkpoint.digest, checkpoint.metadata.seed))
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys])


def _last(members: Sequence[Outputs]) -> Iterable[Sequence[Outputs]]:
    return (members[-size:] for size in range(1, len(members) + 1))


def _first(members: Sequence[Outputs]) -> Iterable[Sequence[Outputs]]:
    return (members[:size] for size in range(1, len(members) + 1))


def _average(members: Sequence[Checkpoint]) -> Checkpoint:
    """The arithmetic mean of the members' weights; buffers that are not re-estimated are those of the last."""
    last = members[-1]
    theta = torch.stack([member.theta.double() for member in members]).mean(0).float()
    return Checkpoint(theta=theta, buffers=last.buffers, space=last.space, metadata=last.metadata)


def _is_one_network(members: Sequence[Checkpoint]) -> bool:
    kinds = {(each.metadata.architecture, each.space.names, each.space.shapes) for each in members}
    return len(kinds) == 1


def _has_own_batch_norm(task: Task) -> bool:
    with torch.random.fork_rng(devices=[]):
        return bool(own_batch_norms(task.build()))

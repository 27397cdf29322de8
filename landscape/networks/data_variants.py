"""Data sets made from others: training labels changed at random, or a part of the training split held out.

Which examples are drawn comes from the raw bits of NumPy's PCG64, whose stream never changes between versions (NEP
19), so a digest made from the parent's digest and the modifier stands for the same labels everywhere.
"""

# Shapes: N training examples · K classes

import hashlib
from dataclasses import replace
from typing import assert_never

import numpy as np
import torch

from landscape.core.data_references import Modifier, parse_modifiers
from landscape.core.errors import DataError
from landscape.core.seeds import seed_for
from landscape.networks.tasks import Data, Examples


def apply_modifiers(data: Data, text: str) -> Data:
    """The data set with all modifiers of a text such as `:noise=0.2:validation=0.1`, from left to right.

    Raises:
        DataError: A modifier is unknown or out of range, or there are too few examples for it.
    """
    for modifier in parse_modifiers(text):
        data = _apply(data, modifier)
    return data


def change_labels(data: Data, share: float, *, seed: int) -> Data:
    """The data set with exactly round(share * N) training labels changed.

    Each drawn example gets a class drawn evenly from the others: symmetric label noise that flips every drawn label.
    Inputs, the test split, mean and standard deviation are those of the data set given.

    Args:
        data: The data set; it stays as it is.
        share: Share of the training examples, in (0, 1).
        seed: Which examples are drawn, and which classes they get.

    Raises:
        DataError: The share of so few examples rounds to none.
    """
    count, classes = len(data.train), len(data.classes)
    changed = round(share * count)
    if not changed:
        raise DataError(
            f"A share of {share:g} of the {count} training examples of {data.name} is no whole example; "
            "give a larger share."
        )
    labels = data.train.targets.cpu().numpy().copy()
    drawn = _ranked(count, seed_for(seed, "label noise: examples"))[:changed]
    # The remainder favours no class by more than one part in 10^18.
    shifts = 1 + _bits(changed, seed_for(seed, "label noise: classes")) % np.uint64(classes - 1)
    labels[drawn] = (labels[drawn] + shifts.astype(np.int64)) % classes
    targets = torch.from_numpy(labels).to(data.train.targets.device)
    return replace(data, train=Examples(data.train.inputs, targets))


def hold_out(data: Data, share: float, *, seed: int) -> Data:
    """The training split cut in two, stratified by class: the larger or smaller part to validate on, the rest to train.

    The validation part has round(share * N) examples and takes the place of the test split, which is not in the
    returned data at all. Inputs stay normalised by mean and standard deviation of the whole training split, so the
    held-out inputs (never their labels) have entered those two numbers per channel.

    Args:
        data: The data set; it stays as it is.
        share: Share of the training examples to hold out, in (0, 1).
        seed: Which examples are drawn.

    Raises:
        DataError: The share rounds to no example, or leaves a class without a training example.
    """
    labels = data.train.targets.cpu().numpy()
    count = round(share * len(labels))
    sizes = np.bincount(labels, minlength=len(data.classes))
    held = _quotas(sizes, count)
    if not count:
        raise DataError(
            f"A share of {share:g} of the {len(labels)} training examples of {data.name} is no whole example, so there "
            "would be nothing to validate on; give a larger share."
        )
    empty = np.flatnonzero((held == sizes) & (sizes > 0))
    if len(empty):
        name, size = data.classes[empty[0]], sizes[empty[0]]
        raise DataError(
            f"The class {name!r} of {data.name} has too few training examples ({size}) to hold out a share of "
            f"{share:g} and train on the rest; give a smaller share."
        )
    order = _ranked(len(labels), seed_for(seed, "validation"))
    mask = np.zeros(len(labels), dtype=bool)
    for label, quota in enumerate(held):
        members = order[labels[order] == label]
        mask[members[:quota]] = True
    return replace(data, train=_part(data.train, ~mask), test=_part(data.train, mask))


def _apply(data: Data, modifier: Modifier) -> Data:
    match modifier.name:
        case "noise":
            changed = change_labels(data, modifier.share, seed=modifier.seed)
            words = f"{data.name} with {100 * modifier.share:g}% of the training labels changed"
        case "validation":
            changed = hold_out(data, modifier.share, seed=modifier.seed)
            words = f"{data.name}, {100 * modifier.share:g}% held out for validation"
        case _:
            assert_never(modifier.name)
    return replace(
        changed,
        name=words + (f" (seed {modifier.seed})" if modifier.seed else ""),
        digest=hashlib.sha256(f"{data.digest}{modifier.text}".encode()).hexdigest(),
    )


def _bits(count: int, seed: int) -> np.ndarray:
    """`count` independent 64-bit numbers, uint64."""
    return np.random.PCG64(seed).random_raw(count)


def _ranked(count: int, seed: int) -> np.ndarray:
    """The numbers 0 ... count - 1 in random order."""
    return np.argsort(_bits(count, seed), kind="stable")


def _quotas(sizes: np.ndarray, count: int) -> np.ndarray:
    """`count` examples shared among classes of these sizes, (K,), by largest remainder; whole numbers only."""
    quotas, rests = np.divmod(sizes * count, sizes.sum())
    quotas[np.argsort(-rests, kind="stable")[: count - quotas.sum()]] += 1
    return quotas


def _part(examples: Examples, mask: np.ndarray) -> Examples:
    chosen = torch.from_numpy(np.flatnonzero(mask)).to(examples.inputs.device)
    return Examples(examples.inputs[chosen], examples.targets[chosen])

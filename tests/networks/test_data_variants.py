"""Label noise and held-out parts against their definitions."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from landscape.core.errors import DataError
from landscape.networks.data_variants import apply_modifiers, change_labels, hold_out
from landscape.networks.tasks import Data, Examples
from tests.conftest import tiny_data


def uneven_data(sizes: tuple[int, ...] = (17, 5, 9, 2), features: int = 3) -> Data:
    """Classes of odd and unequal sizes in mixed order; each example's first feature is its number."""
    labels = torch.cat([torch.full((size,), label) for label, size in enumerate(sizes)])
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(3))]
    inputs = torch.randn(len(labels), features, generator=torch.Generator().manual_seed(4))
    inputs[:, 0] = torch.arange(len(labels))
    test = Examples(torch.full((4, features), -1.0), torch.arange(4) % len(sizes))
    return Data(
        name="uneven", digest="d" * 64, train=Examples(inputs, labels), test=test,
        classes=tuple("abcdefg"[: len(sizes)]), mean=(0.25,), std=(2.5,), source="here",
    )  # fmt: skip


def numbers(examples: Examples) -> list[int]:
    return [int(number) for number in examples.inputs[:, 0]]


@pytest.mark.parametrize(("share", "changed"), [(0.2, 7), (1 / 3, 11), (0.5, 16), (0.03, 1), (0.99, 33)])
def test_exactly_the_rounded_share_of_the_labels_changes(share: float, changed: int) -> None:
    data = uneven_data()  # 33 examples; Python rounds 16.5 to the even 16
    noisy = change_labels(data, share, seed=5)
    assert int((noisy.train.targets != data.train.targets).sum()) == changed
    assert noisy.train.targets.dtype == torch.int64
    assert set(noisy.train.targets.tolist()) <= {0, 1, 2, 3}


def test_noise_touches_the_training_labels_only() -> None:
    data = uneven_data()
    before = data.train.targets.clone()
    noisy = change_labels(data, 0.4, seed=1)
    assert noisy.test is data.test
    assert noisy.train.inputs is data.train.inputs
    assert (noisy.mean, noisy.std, noisy.source, noisy.classes) == ((0.25,), (2.5,), "here", data.classes)
    assert torch.equal(data.train.targets, before)


def test_each_drawn_label_becomes_each_other_class_equally_often() -> None:
    classes, count = 5, 40_000
    labels = torch.arange(count) % classes
    data = replace(uneven_data(), train=Examples(torch.zeros(count, 1), labels), classes=tuple("abcde"))
    noisy = change_labels(data, 0.5, seed=2).train.targets
    drawn = noisy != labels
    table = np.zeros((classes, classes))
    np.add.at(table, (labels[drawn].numpy(), noisy[drawn].numpy()), 1)
    assert (np.diag(table) == 0).all()
    # 20,000 draws over 20 cells: five standard deviations of a binomial count around 1,000
    others = table[~np.eye(classes, dtype=bool)]
    assert np.abs(others - 1000).max() < 5 * np.sqrt(1000)
    # Which examples are drawn does not depend on where they stand, either.
    assert abs(int(drawn[: count // 2].sum()) - 10_000) < 5 * np.sqrt(5000)


def test_two_classes_are_exchanged() -> None:
    data = uneven_data((6, 7))
    noisy = change_labels(data, 0.5, seed=0)
    drawn = noisy.train.targets != data.train.targets
    assert torch.equal(noisy.train.targets[drawn], 1 - data.train.targets[drawn])


def test_draws_depend_on_the_seed_and_on_nothing_else() -> None:
    data = uneven_data()
    torch.manual_seed(1)
    first = change_labels(data, 0.3, seed=4).train.targets
    torch.manual_seed(2)
    assert torch.equal(first, change_labels(data, 0.3, seed=4).train.targets)
    assert not torch.equal(first, change_labels(data, 0.3, seed=5).train.targets)
    held = numbers(hold_out(data, 0.3, seed=4).test)
    assert held == numbers(hold_out(data, 0.3, seed=4).test)
    assert held != numbers(hold_out(data, 0.3, seed=5).test)


def test_draws_are_the_same_for_ever() -> None:
    # Digests of variants are made from the modifier, so these must hold with every version of every library.
    labels = torch.arange(33) % 4
    data = replace(uneven_data(), train=Examples(torch.arange(33.0)[:, None], labels))
    changed = (change_labels(data, 0.2, seed=0).train.targets != labels).nonzero().flatten()
    assert changed.tolist() == [4, 5, 7, 8, 9, 17, 27]
    assert change_labels(data, 0.2, seed=0).train.targets[changed].tolist() == [2, 3, 2, 3, 2, 0, 1]
    assert numbers(hold_out(data, 0.2, seed=0).test) == [0, 1, 4, 6, 13, 26, 31]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.37, 0.5])
@pytest.mark.parametrize("sizes", [(17, 5, 9, 2), (3, 3, 3), (30, 4, 11)])
def test_a_held_out_part_is_stratified_by_largest_remainder(sizes: tuple[int, ...], share: float) -> None:
    data = uneven_data(sizes)
    total = sum(sizes)
    exact = [Fraction(size * round(share * total), total) for size in sizes]
    expected = [int(quota) for quota in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda label: (int(exact[label]) - exact[label], label))
    for label in by_remainder[: round(share * total) - sum(expected)]:
        expected[label] += 1
    held = hold_out(data, share, seed=6)
    assert np.bincount(held.test.targets, minlength=len(sizes)).tolist() == expected
    assert len(held.test) == round(share * total)


def test_a_held_out_part_and_the_rest_are_the_training_split_and_nothing_of_the_test_split() -> None:
    data = uneven_data()
    held = hold_out(data, 0.3, seed=8)
    train, validation = numbers(held.train), numbers(held.test)
    assert sorted(train + validation) == list(range(33))
    assert train == sorted(train)
    assert validation == sorted(validation)
    for part in (held.train, held.test):
        assert torch.equal(part.targets, data.train.targets[numbers(part)])
        assert torch.equal(part.inputs, data.train.inputs[numbers(part)])
    assert (held.mean, held.std, held.source) == ((0.25,), (2.5,), "here")


def test_the_test_split_is_not_even_looked_at_when_a_part_is_held_out() -> None:
    class Locked(Examples):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError("the test split was touched")

    data = replace(uneven_data(), test=Locked(torch.zeros(1, 3), torch.zeros(1, dtype=torch.long)))
    assert len(apply_modifiers(data, ":noise=0.2:validation=0.3").test) == 10


def test_modifiers_apply_from_left_to_right() -> None:
    data = uneven_data()
    noisy_first = apply_modifiers(data, ":noise=0.4:validation=0.3")
    expected = hold_out(change_labels(data, 0.4, seed=0), 0.3, seed=0)
    assert torch.equal(noisy_first.test.targets, expected.test.targets)
    assert torch.equal(noisy_first.train.targets, expected.train.targets)
    clean = apply_modifiers(data, ":validation=0.3:noise=0.4")
    assert torch.equal(clean.test.targets, data.train.targets[numbers(clean.test)])
    assert noisy_first.digest != clean.digest


def test_seeds_are_read_from_the_modifier() -> None:
    data = uneven_data()
    assert torch.equal(
        apply_modifiers(data, ":noise=0.4/3").train.targets, change_labels(data, 0.4, seed=3).train.targets
    )
    assert numbers(apply_modifiers(data, ":validation=0.4/3").test) == numbers(
        hold_out(data, 0.4, seed=3).test
    )


def test_names_say_what_was_done() -> None:
    data = uneven_data()
    assert apply_modifiers(data, "").name == "uneven"
    assert apply_modifiers(data, "") is data
    assert apply_modifiers(data, ":noise=0.2").name == "uneven with 20% of the training labels changed"
    assert (
        apply_modifiers(data, ":noise=0.125/3:validation=0.2").name
        == "uneven with 12.5% of the training labels changed (seed 3), 20% held out for validation"
    )


def test_digests_follow_from_the_parent_and_the_canonical_modifier() -> None:
    data = uneven_data()
    digest = apply_modifiers(data, ":noise=0.2").digest
    assert digest == apply_modifiers(data, ":noise=0.20/0").digest
    others = [
        data.digest,
        apply_modifiers(data, ":noise=0.2/1").digest,
        apply_modifiers(data, ":noise=0.21").digest,
        apply_modifiers(data, ":validation=0.2").digest,
        apply_modifiers(replace(data, digest="e" * 64), ":noise=0.2").digest,
        apply_modifiers(data, ":noise=0.2:validation=0.2").digest,
    ]
    assert digest not in others
    assert len(set(others)) == len(others)
    assert len(digest) == 64


def test_images_work_as_features_do() -> None:
    data = apply_modifiers(tiny_data(), ":noise=0.2:validation=0.25")
    assert data.train.inputs.shape == (28, 2, 5, 7)
    assert data.test.inputs.shape == (9, 2, 5, 7)
    assert data.input_shape == (2, 5, 7)


@pytest.mark.parametrize(
    ("sizes", "text", "message"),
    [
        ((2, 2), ":noise=0.1", "A share of 0.1 of the 4 training examples of uneven is no whole example; give a"),
        ((2, 2), ":validation=0.1", "no whole example, so there would be nothing to validate on; give a larger"),
        ((9, 1), ":validation=0.9", r"The class 'b' of uneven has too few training examples \(1\) to hold out a share "
         "of 0.9 and train on the rest; give a smaller share."),
    ],
)  # fmt: skip
def test_too_few_examples_get_a_sentence(sizes: tuple[int, ...], text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        apply_modifiers(uneven_data(sizes), text)

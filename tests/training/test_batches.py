import math

import numpy as np
import pytest
import torch

from landscape.core.errors import RequestError
from landscape.core.requests import TrainRequest
from landscape.core.seeds import seed_for
from landscape.networks.tasks import Examples
from landscape.training.batches import CROP_BORDER, Batches, crop_and_flip
from tests import reference
from tests.conftest import tiny_data


def numbered(count: int) -> Examples:
    """Each example is its own number."""
    return Examples(torch.arange(count).float().view(count, 1).repeat(1, 3), torch.arange(count))


def test_each_epoch_visits_every_example_once_in_its_own_order():
    batches = Batches(numbered(37), TrainRequest(batch_size=8))
    assert batches.steps_per_epoch == 5
    epochs = []
    for epoch in range(3):
        parts = [batches.batch(5 * epoch + step) for step in range(1, 6)]
        assert [len(targets) for _, targets in parts] == [8, 8, 8, 8, 5]
        targets = torch.cat([targets for _, targets in parts])
        assert torch.equal(torch.cat([inputs for inputs, _ in parts])[:, 0].long(), targets)
        assert torch.equal(targets.sort().values, torch.arange(37))
        epochs.append(targets)
    assert not torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[1], epochs[2])


def test_order_is_the_permutation_of_seed_and_epoch():
    batches = Batches(numbered(37), TrainRequest(batch_size=8, seed=4))
    order = torch.randperm(37, generator=torch.Generator().manual_seed(seed_for(4, "order 2")))
    assert torch.equal(batches.batch(7)[1], order[8:16])


BATCH_BYTES = 8 * 3 * 6 * 5 * 4  # 8 of the images below, float32


def batch_by_definition(data: Examples, *, step: int, size: int, seed: int, augmentation: str):
    """One example after the other, from the draws that the seed and the epoch determine."""
    count = len(data)
    per_epoch = math.ceil(count / size)
    epoch, number = (step - 1) // per_epoch + 1, (step - 1) % per_epoch
    order = torch.randperm(count, generator=generator_for(seed, f"order {epoch}")).tolist()
    draws = generator_for(seed, f"augmentation {epoch}")
    shifts = torch.randint(9, (count, 2), generator=draws).tolist()
    flips = torch.randint(2, (count,), generator=draws).tolist()
    inputs, targets = [], []
    for place in range(number * size, min(count, number * size + size)):
        image = data.inputs[order[place]].permute(1, 2, 0).numpy()
        if augmentation == "crop-flip":
            row, column = shifts[place]
            image = reference.crop_and_flip(image, row, column, bool(flips[place]), border=4)
        inputs.append(image.transpose(2, 0, 1))
        targets.append(int(data.targets[order[place]]))
    return np.stack(inputs), np.array(targets)


def generator_for(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(seed_for(seed, purpose))


def photographs(*, channels: int = 3) -> Examples:
    """37 images of noise, higher than wide."""
    generator = torch.Generator().manual_seed(5)
    return Examples(torch.randn(37, channels, 6, 5, generator=generator), torch.arange(37) % 7)


@pytest.mark.parametrize("augmentation", ["none", "crop-flip"])
def test_a_batch_does_not_depend_on_those_before_it(augmentation):
    request = TrainRequest(batch_size=8, augmentation=augmentation)
    data = photographs()
    in_turn = Batches(data, request, block_bytes=3 * BATCH_BYTES)
    visited = Batches(data, request, block_bytes=3 * BATCH_BYTES)
    expected = {step: in_turn.batch(step) for step in range(1, 16)}
    for step in (15, 7, 1, 8, 8, 4, 3, 12, 5, 6, 2, 14, 9, 13, 10, 11):
        for batches in (visited, Batches(data, request)):
            inputs, targets = batches.batch(step)
            assert torch.equal(inputs, expected[step][0])
            assert torch.equal(targets, expected[step][1])


@pytest.mark.parametrize("augmentation", ["none", "crop-flip"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("blocks", [0, 1, 3.9, 4, 1000])  # room for so many batches of the five of an epoch
def test_batches_are_the_same_whatever_the_size_of_a_block(augmentation, channels, blocks):
    request = TrainRequest(batch_size=8, augmentation=augmentation, seed=3)
    data = photographs(channels=channels)
    batches = Batches(data, request, block_bytes=int(blocks * BATCH_BYTES * channels / 3))
    for step in range(1, 16):
        inputs, targets = batches.batch(step)
        expected_inputs, expected_targets = batch_by_definition(
            data, step=step, size=8, seed=3, augmentation=augmentation
        )
        np.testing.assert_array_equal(inputs.numpy(), expected_inputs)
        np.testing.assert_array_equal(targets.numpy(), expected_targets)


def test_lbfgs_takes_the_whole_split_as_one_batch():
    batches = Batches(numbered(37), TrainRequest(optimizer="lbfgs", batch_size=8))
    assert batches.steps_per_epoch == 1
    assert batches.epoch_of(3) == 3
    inputs, targets = batches.batch(2)
    assert torch.equal(inputs[:, 0].long(), targets)
    assert torch.equal(targets.sort().values, torch.arange(37))


def test_images_come_channels_last_and_unchanged():
    data = tiny_data().train
    inputs, _ = Batches(data, TrainRequest(batch_size=37)).batch(1)
    order = torch.randperm(37, generator=torch.Generator().manual_seed(seed_for(0, "order 1")))
    assert torch.equal(inputs, data.inputs[order])
    assert inputs.is_contiguous(memory_format=torch.channels_last)


def test_crop_and_flip_equals_its_twin():
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(13, 5, 7, 3, generator=generator)
    shifts = torch.randint(2 * CROP_BORDER + 1, (13, 2), generator=generator)
    flips = torch.arange(13) % 2 == 1
    found = crop_and_flip(images, shifts, flips).numpy()
    for image, (row, column), flip, ours in zip(
        images.numpy(), shifts.tolist(), flips.tolist(), found, strict=True
    ):
        np.testing.assert_array_equal(
            ours, reference.crop_and_flip(image, row, column, flip, border=CROP_BORDER)
        )


def test_middle_shift_without_flip_changes_nothing():
    images = torch.randn(3, 5, 7, 2)
    middle = torch.full((3, 2), CROP_BORDER)
    assert torch.equal(crop_and_flip(images, middle, torch.zeros(3, dtype=torch.bool)), images)


def test_augmentation_uses_all_shifts_and_both_sides():
    # One bright pixel in the middle of a 9 x 9 image tells where each crop was taken; 4 pixels each way keep it inside.
    inputs = torch.zeros(2000, 1, 9, 9)
    inputs[:, 0, 4, 3] = 1
    batches = Batches(
        Examples(inputs, torch.zeros(2000).long()), TrainRequest(batch_size=2000, augmentation="crop-flip")
    )
    seen, _ = batches.batch(1)
    places = seen[:, 0].nonzero()[:, 1:]
    assert sorted(set(places[:, 0].tolist())) == list(range(9))
    assert sorted(set(places[:, 1].tolist())) == list(range(9))
    # mirrored: column 5 - shift instead of 3 + shift; columns 0 and 8 can only come from one of the two each
    assert not torch.equal(batches.batch(2)[0], seen)


def test_crop_flip_needs_images():
    with pytest.raises(
        RequestError, match=r"crop-flip needs images .*the inputs have shape \[3\]. Use the augmentation none"
    ):
        Batches(numbered(5), TrainRequest(augmentation="crop-flip"))

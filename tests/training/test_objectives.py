import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from landscape.core.errors import RequestError
from landscape.core.training_requests import TrainRequest
from landscape.training.objectives import Mixed, Objective
from tests import reference_training as naive
from tests.conftest import TinyNet, tiny_data

BATCH, CLASSES = 7, 5


def draw(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LOGITS = 2 * draw(BATCH, CLASSES)
TARGETS = torch.tensor([3, 0, 4, 1, 1, 2, 0])
INPUTS = draw(BATCH, 3, 4, 2, seed=2)


class Fixed(nn.Module):
    """Says the same whatever it is shown."""

    def __init__(self, logits) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, inputs):
        return self.logits


def objective(*teachers, **fields) -> Objective:
    named = tuple(f"teacher {number}" for number in range(max(1, len(teachers))))
    return Objective(TrainRequest(teachers=named, **fields), CLASSES, teachers)


# The plain case --------------------------------------------------------------------------------------------------


def test_plain_cross_entropy_is_that_of_torch_and_nothing_more():
    plain = objective()
    mixed = plain.mix(INPUTS, TARGETS, 4)
    assert mixed.inputs is INPUTS
    assert mixed.targets is TARGETS
    assert (mixed.partners, mixed.share, mixed.teaching) == (None, 1.0, None)
    assert torch.equal(plain.loss(LOGITS, mixed), functional.cross_entropy(LOGITS, TARGETS))
    right = (LOGITS.argmax(1) == TARGETS).double().mean().item()
    assert plain.accuracy(LOGITS, mixed).item() == pytest.approx(right)


# All combinations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.13])
@pytest.mark.parametrize("share", [None, 0.37])
@pytest.mark.parametrize("teachers", [0, 1, 3])
@pytest.mark.parametrize("kind", ["cross-entropy", "mean-squared-error"])
def test_every_loss_is_that_of_the_definition(kind, teachers, share, smoothing):
    taught = [2 * draw(BATCH, CLASSES, seed=10 + index) for index in range(teachers)]
    ours = objective(*map(Fixed, taught), objective=kind, label_smoothing=smoothing, temperature=2.3)
    teaching = ours.mix(INPUTS, TARGETS, 1).teaching
    partners = None if share is None else TARGETS.roll(2)
    mixed = Mixed(INPUTS, TARGETS, partners, 1.0 if share is None else share, teaching)
    q = naive.soft_targets(TARGETS, TARGETS.roll(2), 1.0 if share is None else share, smoothing, CLASSES)
    twin = naive.cross_entropy if kind == "cross-entropy" else naive.mean_squared_error
    expected = twin(LOGITS.numpy(), q)
    if teachers:
        expected += naive.distillation(LOGITS.numpy(), [r.numpy() for r in taught], 2.3)
    assert ours.loss(LOGITS, mixed).item() == pytest.approx(expected, rel=1e-12)


# Label smoothing -------------------------------------------------------------------------------------------------


def test_the_lowest_smoothed_loss_and_its_gap():
    # K = 10, epsilon = 0.1: the best logits differ by ln(0.91 / 0.01).
    smoothed = Objective(TrainRequest(label_smoothing=0.1), 10)
    target = Mixed(torch.zeros(1, 2), torch.tensor([4]))

    def loss(gap):
        return smoothed.loss(functional.one_hot(target.targets, 10) * gap, target)

    gap = torch.tensor(math.log(91), dtype=torch.float64, requires_grad=True)
    lowest = loss(gap)
    lowest.backward()
    assert gap.grad is not None
    assert gap.grad.item() == pytest.approx(0, abs=1e-12)
    assert lowest.item() == pytest.approx(0.50029, abs=5e-6)
    assert loss(4.5) > lowest < loss(4.52)


# Mixup -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_inputs_and_targets_are_mixed_with_the_same_partner(layout):
    inputs = INPUTS.contiguous(memory_format=layout)
    mixed = objective(mixup=0.8).mix(inputs, TARGETS, 3)
    assert mixed.partners is not None
    assert 0 < mixed.share < 1
    order = []
    for own, result, target in zip(inputs, mixed.inputs, mixed.partners, strict=True):
        found = [
            j
            for j, other in enumerate(inputs)
            if torch.allclose(mixed.share * own + (1 - mixed.share) * other, result, rtol=1e-12, atol=1e-12)
        ]
        assert len(found) == 1
        assert target == TARGETS[found[0]]
        order += found
    assert sorted(order) == list(range(BATCH)) != order
    assert torch.equal(mixed.targets, TARGETS)
    assert mixed.inputs.stride() == inputs.stride()


def test_the_same_step_mixes_alike_and_others_do_not():
    mixing = objective(mixup=0.8, seed=5)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, again, next_step = (mixing.mix(INPUTS, TARGETS, step) for step in (6, 6, 7))
    assert torch.equal(first.inputs, again.inputs)
    assert first.share == again.share != next_step.share
    assert objective(mixup=0.8, seed=6).mix(INPUTS, TARGETS, 6).share != first.share
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_follow_the_beta_distribution(alpha):
    mixing, count = objective(mixup=alpha), 3000
    shares = np.array([mixing.mix(INPUTS[:1, 0, 0], TARGETS[:1], step).share for step in range(count)])
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(shares.mean() - 0.5) < 5 * math.sqrt(variance / count)
    spread = (shares - 0.5) ** 2
    assert abs(spread.mean() - variance) < 5 * spread.std() / math.sqrt(count)


def test_accuracy_counts_both_classes_by_their_share():
    mixed = Mixed(INPUTS, TARGETS, TARGETS.roll(2), 0.3)
    predictions = LOGITS.argmax(1)
    own, other = ((predictions == t).double().mean().item() for t in (TARGETS, TARGETS.roll(2)))
    assert own != other
    assert objective().accuracy(LOGITS, mixed).item() == pytest.approx(0.3 * own + 0.7 * other, rel=1e-6)


# Distillation ----------------------------------------------------------------------------------------------------


def gradient_of_teaching(z, r, temperature):
    """The gradient that a teacher adds."""
    gradients = []
    for teachers in ((), (Fixed(r),)):
        ours = objective(*teachers, temperature=temperature)
        logits = z.clone().requires_grad_()
        ours.loss(logits, ours.mix(INPUTS, TARGETS, 1)).backward()
        gradients.append(logits.grad)
    return gradients[1] - gradients[0]


def test_the_gradient_of_a_teacher():
    r, temperature = draw(BATCH, CLASSES, seed=3), 2.7
    student, teacher = (naive.softmax(x.numpy() / temperature) for x in (LOGITS, r))
    expected = temperature * (student - teacher) / BATCH
    np.testing.assert_allclose(gradient_of_teaching(LOGITS, r, temperature), expected, rtol=1e-9, atol=1e-14)


def test_at_a_high_temperature_logits_are_matched():
    r = draw(BATCH, CLASSES, seed=3)
    z, r = (x - x.mean(1, keepdim=True) for x in (LOGITS, r))
    expected = (z - r) / CLASSES / BATCH
    torch.testing.assert_close(gradient_of_teaching(z, r, 1e5), expected, rtol=1e-4, atol=1e-6)


def test_a_student_like_its_teacher_has_nothing_to_learn():
    z = LOGITS.clone()
    taught, plain = objective(Fixed(z), temperature=3.1), objective()
    mixed = taught.mix(INPUTS, TARGETS, 1)
    assert taught.loss(z, mixed).item() == pytest.approx(
        plain.loss(z, Mixed(INPUTS, TARGETS)).item(), abs=1e-12
    )
    np.testing.assert_allclose(gradient_of_teaching(z, z, 3.1), 0, atol=1e-14)


def test_teachers_look_at_the_mixed_inputs_and_stay_as_they_are():
    torch.manual_seed(5)
    teacher, data = TinyNet().train(), tiny_data()
    inputs, targets = data.train.inputs, data.train.targets
    teacher(inputs)  # running statistics unlike those of a fresh network
    before = copy.deepcopy(teacher.state_dict())
    ours = Objective(TrainRequest(mixup=0.5, temperature=2.0, teachers=("teacher",)), 3, [teacher])
    mixed = ours.mix(inputs, targets, 2)
    assert teacher.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())
    student = TinyNet()
    ours.loss(student(mixed.inputs), mixed).backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert student.head.weight.grad is not None
    assert mixed.teaching is not None
    assert not mixed.teaching.requires_grad
    expected = functional.softmax(teacher.eval()(mixed.inputs) / 2.0, 1)
    torch.testing.assert_close(mixed.teaching, expected.detach(), rtol=1e-6, atol=1e-7)
    # What happens to the teacher outside changes nothing.
    with torch.no_grad():
        teacher.head.weight.zero_()
    assert torch.equal(ours.mix(inputs, targets, 2).teaching, mixed.teaching)


def test_a_teacher_of_other_classes_is_refused():
    with pytest.raises(RequestError, match=r"A teacher has 4 classes, but the data have 5; choose teachers"):
        objective(Fixed(draw(BATCH, 4))).mix(INPUTS, TARGETS, 1)

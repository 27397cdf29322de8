"""What is minimised on each batch, beside the penalty: the loss, smoothed or mixed targets, and teachers."""

# Shapes: B batch · K classes

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from landscape.core.errors import RequestError
from landscape.core.seeds import seed_for
from landscape.core.training_requests import TrainingFields


@dataclass(frozen=True, eq=False)
class Mixed:
    """The batch of one step, as the network sees it.

    Attributes:
        inputs: (B, ...), mixed if the request says so.
        targets: Class numbers (B,).
        partners: Class numbers (B,) of the examples that were mixed in; None without mixup.
        share: lambda in [0, 1], the share of `targets`; the rest is that of `partners`.
        teaching: Probabilities (B, K) of the teachers at the temperature, their mean; None without teachers.
    """

    inputs: Tensor
    targets: Tensor
    partners: Tensor | None = None
    share: float = 1.0
    teaching: Tensor | None = None


class Objective:
    """The objective of a request, without the penalty on the weights, which the optimiser adds.

    The loss is the mean over the batch of the cross-entropy, or of the squared error of the logits averaged over the
    classes, to the targets (1 - epsilon) * one-hot + epsilon / K (label smoothing; Szegedy et al. 2016, section 7).
    Mixup (Zhang et al. 2018) takes inputs and targets as lambda * own + (1 - lambda) * partner's. Teachers add
    T^2 * KL(teaching, softmax(z / T)) (Hinton et al. 2015, section 2).

    Args:
        request: Loss, label smoothing, mixup, temperature and seed.
        classes: K.
        teachers: Networks to distil from, on the device of the inputs; copied, so that they stay as they are.
    """

    def __init__(self, request: TrainingFields, classes: int, teachers: Sequence[nn.Module] = ()) -> None:
        self._request = request
        self._classes = classes
        self._teachers = [copy.deepcopy(teacher).eval() for teacher in teachers]
        self._concentration = torch.full((2,), request.mixup, dtype=torch.float64)

    def mix(self, inputs: Tensor, targets: Tensor, step: int) -> Mixed:
        """The batch of a step; the same step always mixes alike.

        One lambda ~ Beta(alpha, alpha) and one permutation are drawn per batch from the request's seed and the step.
        Teachers look at the mixed inputs, once, however often the loss is then asked for.

        Args:
            inputs: (B, ...).
            targets: Class numbers (B,).
            step: Counted from 1.

        Raises:
            RequestError: A teacher has another number of classes.
        """
        partners, share = None, 1.0
        if self._request.mixup:
            inputs, partners, share = self._mix_partners(inputs, targets, step)
        teaching = self._teaching(inputs) if self._teachers else None
        return Mixed(inputs, targets, partners, share, teaching)

    def loss(self, outputs: Tensor, mixed: Mixed) -> Tensor:
        """The objective of logits (B, K) on a batch from `mix`, in nats for cross-entropy; a number."""
        match self._request.objective:
            case "cross-entropy":
                loss = self._cross_entropy(outputs, mixed)
            case "mean-squared-error":
                loss = functional.mse_loss(outputs, self._soft_targets(outputs, mixed))
        if mixed.teaching is None:
            return loss
        temperature = self._request.temperature
        log_probabilities = functional.log_softmax(outputs / temperature, dim=1)
        divergence = functional.kl_div(log_probabilities, mixed.teaching, reduction="batchmean")
        return loss + temperature**2 * divergence

    def accuracy(self, outputs: Tensor, mixed: Mixed) -> Tensor:
        """The fraction of the batch that is predicted right; with mixup, lambda-weighted over both classes.

        With mixup it is not comparable with an accuracy on examples as they are.
        """
        predictions = outputs.detach().argmax(1)
        right = predictions.eq(mixed.targets).float().mean()
        if mixed.partners is None:
            return right
        return torch.lerp(predictions.eq(mixed.partners).float().mean(), right, mixed.share)

    def _mix_partners(self, inputs: Tensor, targets: Tensor, step: int) -> tuple[Tensor, Tensor, float]:
        generator = torch.Generator().manual_seed(seed_for(self._request.seed, f"mixup {step}"))
        # torch.distributions.Beta calls the same, but takes no generator.
        shares = torch._sample_dirichlet(self._concentration, generator)  # pyright: ignore[reportPrivateImportUsage]
        share = float(shares[0])
        order = torch.randperm(len(targets), generator=generator).to(inputs.device)
        return torch.lerp(inputs[order], inputs, share), targets[order], share

    def _teaching(self, inputs: Tensor) -> Tensor:
        with torch.no_grad():
            outputs = [teacher(inputs) for teacher in self._teachers]
            for output in outputs:
                if output.shape[1:] != (self._classes,):
                    raise RequestError(
                        f"A teacher has {output.shape[1]} classes, but the data have {self._classes}; choose teachers "
                        "that were trained on the same classes."
                    )
            probabilities = [functional.softmax(output / self._request.temperature, 1) for output in outputs]
            return torch.stack(probabilities).mean(0)

    def _cross_entropy(self, outputs: Tensor, mixed: Mixed) -> Tensor:
        smoothing = self._request.label_smoothing
        loss = functional.cross_entropy(outputs, mixed.targets, label_smoothing=smoothing)
        if mixed.partners is None:
            return loss
        # Cross-entropy is linear in the target, so this is that of the mixed targets.
        other = functional.cross_entropy(outputs, mixed.partners, label_smoothing=smoothing)
        return mixed.share * loss + (1 - mixed.share) * other

    def _soft_targets(self, outputs: Tensor, mixed: Mixed) -> Tensor:
        targets = functional.one_hot(mixed.targets, self._classes).to(outputs.dtype)
        if mixed.partners is not None:
            partners = functional.one_hot(mixed.partners, self._classes).to(outputs.dtype)
            targets = mixed.share * targets + (1 - mixed.share) * partners
        smoothing = self._request.label_smoothing
        return (1 - smoothing) * targets + smoothing / self._classes

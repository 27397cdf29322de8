"""Optimisers by name, and the few things that a training loop asks of any of them."""

from collections.abc import Callable, Sequence
from typing import assert_never

import torch
from torch import Tensor, nn

from landscape.core.training_requests import TrainingFields
from landscape.training.layca import INNER_RATE, Layca, kernels
from landscape.training.sam import Sam

# Pairs of displacements and gradient changes that L-BFGS keeps: Nocedal and Wright (2006), section 7.2, find 3 to 20
# satisfactory. Each costs twice the memory of the weights, in every saved state too.
LBFGS_PAIRS = 10


class Lbfgs(torch.optim.LBFGS):
    """L-BFGS with one iteration per step, at the scheduled rate, and with weight decay.

    There is no line search. One step then costs one pass over the batch, as with every other optimiser, the rate
    means the length of the step, and the running statistics of batch norms are never those of rejected points. On
    the digits it reaches the loss of a strong Wolfe search in half the passes.

    Args:
        parameters: What is trained.
        rate: Factor of the quasi-Newton step; the first step is also divided by max(1, sum of |g|).
        weight_decay: Factor of the penalty 1/2 * weight_decay * |theta|^2, added to the gradient.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], *, rate: float, weight_decay: float) -> None:
        super().__init__(parameters, lr=rate, max_iter=1, history_size=LBFGS_PAIRS)
        self._weight_decay = weight_decay

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step; the closure computes the gradients and returns the loss, which comes back."""

        def penalised() -> Tensor:
            loss = closure()
            with torch.no_grad():
                for parameter in self.param_groups[0]["params"]:
                    if parameter.grad is not None:
                        gradient = parameter.grad.add(parameter, alpha=self._weight_decay)
                        # torch's L-BFGS takes no gradients that lie channels last.
                        parameter.grad = gradient.contiguous()
            return loss

        return super().step(penalised)


def build_optimizer(request: TrainingFields, module: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a request.

    Weight decay is added to the gradient of the loss, but for `adamw`, which decouples it. Under the recipe `layca`
    there is none, because the norms of the kernels are kept and nothing else is trained; the momentum and the other
    options of the inner optimiser stay.

    Args:
        request: Optimiser, recipe and their numbers.
        module: The network, on its device and in its memory layout.

    Returns:
        A fresh optimiser at the request's learning rate.
    """
    if request.recipe == "layca":
        inner = _plain_optimizer(request, kernels(module), rate=INNER_RATE, weight_decay=0.0)
        optimizer = Layca(inner, module, rate=request.learning_rate, profile=request.layer_profile)
    else:
        optimizer = _plain_optimizer(
            request, list(module.parameters()), rate=request.learning_rate, weight_decay=request.weight_decay
        )
    return Sam(optimizer, module, radius=request.sam_radius) if request.optimizer == "sam" else optimizer


def take_step(optimizer: torch.optim.Optimizer, gradients: Callable[[], Tensor]) -> Tensor:
    """One step of any optimiser.

    Args:
        optimizer: From `build_optimizer`.
        gradients: Zeroes the gradients, runs the network forward and backward on the step's batch and returns the
            loss, detached. SAM calls it twice, every other optimiser once; each call must see the same function.

    Returns:
        The loss of the first call: that of the weights before the step.
    """
    # torch's stubs know losses as numbers only.
    return optimizer.step(gradients)  # pyright: ignore[reportCallIssue, reportArgumentType]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step; 0 leaves the weights as they are."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def reset_state(optimizer: torch.optim.Optimizer) -> None:
    """Forget momentum, sums and counters: the next step is as the first step of a fresh optimiser."""
    if isinstance(innermost(optimizer), torch.optim.LBFGS):
        optimizer.state.clear()
        return
    for state in optimizer.state.values():
        for tensor in state.values():
            tensor.zero_()


def keeps_state(request: TrainingFields) -> bool:
    """Whether there is anything but the weights that a continued training needs of its optimiser."""
    if request.optimizer in ("momentum", "nesterov", "sam"):
        return request.momentum > 0
    return request.optimizer != "sgd"


def innermost(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The optimiser of torch inside SAM and Layca."""
    while isinstance(optimizer, Sam | Layca):
        optimizer = optimizer.inner
    return optimizer


def _plain_optimizer(
    request: TrainingFields, parameters: list[nn.Parameter], *, rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    # Fused steps take all tensors in one kernel: a third of the time of torch's default on a CPU for small networks.
    match request.optimizer:
        case "sgd" | "momentum" | "nesterov" | "sam":
            return _sgd(request, parameters, rate=rate, weight_decay=weight_decay)
        case "adagrad":
            return torch.optim.Adagrad(parameters, lr=rate, weight_decay=weight_decay, fused=True)
        case "rmsprop":
            # There is no fused one.
            return torch.optim.RMSprop(parameters, lr=rate, weight_decay=weight_decay, foreach=True)
        case "adam":
            return torch.optim.Adam(parameters, lr=rate, weight_decay=weight_decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(parameters, lr=rate, weight_decay=weight_decay, fused=True)
        case "lbfgs":
            return Lbfgs(parameters, rate=rate, weight_decay=weight_decay)
        case _:
            assert_never(request.optimizer)


def _sgd(
    request: TrainingFields, parameters: list[nn.Parameter], *, rate: float, weight_decay: float
) -> torch.optim.SGD:
    momentum = 0.0 if request.optimizer == "sgd" else request.momentum
    # Nesterov's with a momentum of 0 is plain SGD, which torch wants to be called so.
    nesterov = request.optimizer in ("nesterov", "sam") and momentum > 0
    optimizer = torch.optim.SGD(
        parameters, lr=rate, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, fused=True
    )
    if momentum:
        # Zeros are what torch takes absent buffers for. Its fused step fails where some are there and some are not,
        # as in networks of which a step may leave out a layer.
        for parameter in parameters:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer

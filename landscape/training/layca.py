"""Layca: every layer turns by an angle that the learning rate sets, whatever optimiser chooses the direction."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from landscape.geometry.parameters import ParameterSpace

# Shorter steps are taken for zero, as in the released code (ispgroupucl/layer-rotation-tools).
SHORTEST_STEP = 1e-7

# The inner optimiser's rate. The length of its steps is normalised away, so any number does that keeps them far above
# the shortest step.
INNER_RATE = 1.0


class Layca(torch.optim.Optimizer):
    """Layer-level control of the amount of rotation (Carbonnelle and De Vleeschouwer 2019).

    The inner optimiser proposes a step for every kernel; the kernel w keeps its norm and turns in the direction of
    that step by arctan(rho), where rho is the rate times the layer's factor in the profile: see `rotate`. Kernels are
    those of convolutions and dense layers, shortcuts and the last layer among them; all other parameters are frozen.

    The inner optimiser must not decay the weights: a pull towards zero has no part that turns a kernel.

    Args:
        inner: Optimiser of `kernels(module)`, at the rate `INNER_RATE` and without weight decay. Its state is this
            optimiser's too.
        module: The network.
        rate: rho.
        profile: alpha in (-1, 1); see `layer_factors`.
    """

    def __init__(
        self, inner: torch.optim.Optimizer, module: nn.Module, *, rate: float, profile: float
    ) -> None:
        turning = kernels(module)
        super().__init__(turning, {"lr": rate})
        self.state = inner.state
        self.inner = inner
        self._module = module
        self._kernels = turning
        self._factors = layer_factors(len(turning), profile)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: those of the frozen ones would add up for ever."""
        self._module.zero_grad(set_to_none)

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step.

        Args:
            closure: Zeroes the gradients, computes them anew and returns the loss; the inner optimiser calls it once.

        Returns:
            The loss.
        """
        before: list[Tensor] = []

        def gradients_at_zero() -> Tensor:
            # No inner optimiser looks at weights without weight decay, so the step may be made from zero. Found as a
            # difference of weights it would be rounded to their last digit, and late in training be all rounding.
            loss = closure()
            with torch.no_grad():
                before.extend(kernel.clone() for kernel in self._kernels)
                for kernel in self._kernels:
                    kernel.zero_()
            return loss

        # torch's stubs know losses as numbers only.
        loss = self.inner.step(gradients_at_zero)  # pyright: ignore[reportCallIssue, reportArgumentType]
        rate = self.param_groups[0]["lr"]
        with torch.no_grad():
            for kernel, old, factor in zip(self._kernels, before, self._factors, strict=True):
                kernel.copy_(rotate(old, -kernel, rho=rate * factor))
            self._tell_the_inner(before)
        return loss

    def _tell_the_inner(self, before: list[Tensor]) -> None:
        """L-BFGS learns the curvature from how the weights moved, which is not how it proposed."""
        memory = self.state.get(self._kernels[0], {})
        if isinstance(self.inner, torch.optim.LBFGS) and "d" in memory:
            moves = [(kernel - old).reshape(-1) for kernel, old in zip(self._kernels, before, strict=True)]
            memory.update(d=torch.cat(moves), t=1.0)


def kernels(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that Layca turns, in the order of `named_parameters()`: first layer to last."""
    named = dict(module.named_parameters())
    space = ParameterSpace.of(module)
    return [named[name] for name, role in zip(space.names, space.roles, strict=True) if role == "weight"]


def rotate(kernel: Tensor, step: Tensor, *, rho: float) -> Tensor:
    """A kernel turned by arctan(rho) towards minus a step, with its norm kept.

    The part of the step along the kernel is taken away, the rest is scaled to the kernel's norm times rho and
    subtracted, and the sum is scaled back to the kernel's norm. All this in float64, so that many steps in float32
    leave the norm where it was.

    Args:
        kernel: w, any shape.
        step: s of the same shape, to be subtracted; only its direction matters.
        rho: Tangent of the angle, at least 0.

    Returns:
        A new tensor of the kernel's type; w itself, to the bit, where rho is 0, nothing but `SHORTEST_STEP` is left
        of s beside w, or w is zero.
    """
    if rho == 0:
        return kernel.clone()
    w, s = kernel.double(), step.double()
    norm = torch.linalg.vector_norm(w)
    s = s - (s * w).sum() / norm.square() * w
    length = torch.linalg.vector_norm(s)
    turned = w - rho * (norm / length) * s
    turned = turned * (norm / torch.linalg.vector_norm(turned))
    stays = (length <= SHORTEST_STEP) | (norm == 0)
    return torch.where(stays, w, turned).to(kernel.dtype)


def layer_factors(layers: int, profile: float) -> tuple[float, ...]:
    """By how much each layer's rate is smaller than the scheduled one, first layer to last.

    Layer i of n has (1 - alpha)^(5 (n - 1 - i) / (n - 1)) for alpha > 0, so that early layers turn more slowly, and
    (1 + alpha)^(5 i / (n - 1)) for alpha <= 0, so that late ones do (Carbonnelle and De Vleeschouwer 2019).

    Args:
        layers: n, at least 1; a single layer has the factor 1.
        profile: alpha in (-1, 1).

    Returns:
        n numbers in (0, 1].

    Example:
        >>> [round(factor, 5) for factor in layer_factors(3, 0.6)]
        [0.01024, 0.10119, 1.0]
    """
    base, spacing = 1 - abs(profile), 5 / max(layers - 1, 1)
    rising = tuple(base ** (spacing * (layers - 1 - layer)) for layer in range(layers))
    return rising if profile > 0 else rising[::-1]

"""Sharpness-aware minimisation: the gradient is taken a little uphill of where the weights are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

# The private name is the only common base of all batch norms.
_BATCH_NORM = nn.modules.batchnorm._BatchNorm  # pyright: ignore[reportPrivateUsage]


class Sam(torch.optim.Optimizer):
    """Sharpness-aware minimisation around another optimiser (Foret et al. 2021, algorithm 1).

    Each step looks at the loss twice: at the weights w for the gradient g, and at w + radius * g / |g|, with the norm
    over all parameters of the optimiser together. The weights then return to w, to the bit, and the inner optimiser
    makes its step with the second gradient. Its weight decay therefore pulls at w, and does not bend the way uphill.

    Batch norms update their running statistics in the first pass only: those of the second would be of weights that
    are never kept.

    Args:
        inner: Makes the step. Its groups, and so its rate, and its state are those of this optimiser too.
        module: The network whose batch norms are held during the second pass.
        radius: rho, how far uphill, in units of weight space; positive.
    """

    def __init__(self, inner: torch.optim.Optimizer, module: nn.Module, *, radius: float) -> None:
        super().__init__(inner.param_groups, {})
        self.state = inner.state
        self.inner = inner
        self._module = module
        self._radius = radius

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, as the inner optimiser does it."""
        self.inner.zero_grad(set_to_none)

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step.

        Args:
            closure: Zeroes the gradients, computes them anew and returns the loss; called twice.

        Returns:
            The loss of the first call.
        """
        # The inner optimiser calls its closure once, before it looks at the gradients. torch's stubs know losses as
        # numbers only.
        return self.inner.step(lambda: self._look_uphill(closure))  # pyright: ignore[reportCallIssue, reportArgumentType]

    def _look_uphill(self, closure: Callable[[], Tensor]) -> Tensor:
        loss = closure()
        with torch.no_grad():
            parameters = [
                parameter
                for group in self.param_groups
                for parameter in group["params"]
                if parameter.grad is not None
            ]
            kept = [parameter.clone() for parameter in parameters]
            try:
                self._climb(parameters)
                with torch.enable_grad(), held_statistics(self._module):
                    closure()
            finally:
                # A copy, because adding and subtracting again would not give the same bits.
                for parameter, before in zip(parameters, kept, strict=True):
                    parameter.copy_(before)
        return loss

    def _climb(self, parameters: list[Tensor]) -> None:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients:
            return
        norm = nn.utils.get_total_norm(gradients)
        # At a gradient of zero there is no way uphill: the second look is at the weights themselves.
        scale = torch.where(norm > 0, self._radius / norm, 0.0)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.add_(gradient * scale)


@contextmanager
def held_statistics(module: nn.Module) -> Iterator[None]:
    """Batch norms in training mode normalise by the batch as ever, but leave their running statistics alone.

    The layers are as before afterwards, also after an exception.
    """
    tracking = [
        layer for layer in module.modules() if isinstance(layer, _BATCH_NORM) and layer.track_running_stats
    ]
    for layer in tracking:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in tracking:
            layer.track_running_stats = True

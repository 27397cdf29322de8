"""The mean of the iterates of a run: of some (SWA), or of all with weights that fade (Polyak, exponential)."""

# Shapes: P parameters

import torch
from torch import Tensor


class Average:
    """A weighted mean of parameter vectors, kept in float64.

    The k-th vector enters with the share (1 - decay) / (1 - decay^k); what was there keeps the rest. That is the
    exponential average beta * old + (1 - beta) * new begun at zero and divided by 1 - beta^k, so it needs no further
    correction: after the first vector it is that vector. With decay 1 the share is 1 / k, the plain mean (Izmailov et
    al. 2018, section 3; Polyak and Juditsky 1992).

    Args:
        decay: In [0, 1]; 0 keeps the newest vector alone.

    >>> mean = Average(1.0)
    >>> for value in (1.0, 2.0, 6.0):
    ...     mean.add(torch.tensor([value]))
    >>> mean.value.tolist()
    [3.0]
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self.count = 0
        self._value = torch.zeros(0, dtype=torch.float64)

    @property
    def value(self) -> Tensor:
        """The mean, (P,) float64; empty before the first vector."""
        return self._value

    def add(self, theta: Tensor) -> None:
        """Let a vector (P,) join the mean."""
        self.count += 1
        if self.count == 1:
            self._value = theta.detach().double().clone()
        else:
            self._value.lerp_(theta.detach().double(), self.share(self.count))

    def share(self, count: int) -> float:
        """The weight with which the vector of this number (from 1) enters."""
        return 1 / count if self._decay == 1 else (1 - self._decay) / (1 - self._decay**count)

    def tensors(self) -> dict[str, Tensor]:
        """All that it takes to go on."""
        return {"value": self._value, "count": torch.tensor(self.count)}

    def restore(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Go back to what `tensors` returned."""
        self._value = tensors["value"].to(device)
        self.count = int(tensors["count"])

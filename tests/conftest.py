"""Fixtures that every part may use: a tiny problem with awkward sizes, and a home of its own."""

from pathlib import Path

import pytest
import torch
from torch import nn

from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.networks.tasks import Data, Examples, Task
from landscape.service.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No test may touch the working folder of the person who runs the tests.
    monkeypatch.setenv("LANDSCAPE_HOME", str(tmp_path / "home"))


def tiny_data(train: int = 37, test: int = 11, classes: int = 3, seed: int = 5) -> Data:
    generator = torch.Generator().manual_seed(seed)

    def examples(count: int) -> Examples:
        targets = torch.arange(count) % classes
        noise = torch.randn(count, 2, 5, 7, generator=generator)
        return Examples(noise + targets[:, None, None, None] * 0.7, targets)

    return Data(
        name="tiny",
        digest=f"{seed:064x}",
        train=examples(train),
        test=examples(test),
        classes=tuple("abcdefg"[:classes]),
    )


class TinyNet(nn.Module):
    """Two convolutions with batch norm, a residual sum and a layer used twice; 2x5x7 inputs, 3 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 5, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(5)
        self.second = nn.Conv2d(5, 5, 3, padding=1)
        self.shared_norm = nn.BatchNorm2d(5)
        self.head = nn.Linear(5, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.norm(self.first(inputs)))
        hidden = self.shared_norm(self.second(hidden)) + hidden
        hidden = torch.relu(self.shared_norm(self.second(hidden)))
        return self.head(hidden.mean((2, 3)))


class PlainNet(nn.Module):
    """No norm layer."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(70, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.hidden(inputs.flatten(1))))


def tiny_task(network: type[nn.Module] = TinyNet) -> Task:
    return Task(network.__name__, network, tiny_data())


def tiny_checkpoint(seed: int, network: type[nn.Module] = TinyNet, weight_decay: float = 3e-3) -> Checkpoint:
    """Random weights with random batch-norm statistics, so that no two policies agree by chance."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = network()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
            for name, buffer in module.named_buffers():
                if name.endswith("running_mean"):
                    buffer.normal_()
                elif name.endswith("running_var"):
                    buffer.uniform_(0.5, 2.0)
        metadata = CheckpointMetadata(
            architecture=network.__name__,
            label=f"checkpoint {seed}",
            step=seed,
            weight_decay=weight_decay,
            classes=3,
        )
        return Checkpoint.from_module(module, metadata, source=f"tiny@{seed}")

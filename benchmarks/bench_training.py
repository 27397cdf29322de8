"""Throughput of training, in images per second, on one device.

Each case runs these ways in turn, all with the same batch size, SGD with Nesterov momentum and weight decay:

- `run` (digits only): what a user gets, start to end, with history, three checkpoints, evaluations and saved states;
- `steps`: the steps of our loop alone; `steps crop-flip`: the same with augmentation;
- `loader`: the usual loop, a DataLoader over a TensorDataset and `loss.item()` at each step;
- `bare`: forward, backward and update on one batch that lies in memory, in torch's default layout;
- `bare channels-last`: the same in our layout, the most that `steps` can reach.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.record import spread, time_in_turn, write_record
from landscape.core.requests import TrainRequest
from landscape.networks.architectures import build_network
from landscape.networks.datasets import load_data
from landscape.networks.evaluator import choose_device
from landscape.networks.tasks import Data, Examples
from landscape.training.loop import Training
from landscape.training.trainer import train


@dataclass(frozen=True)
class Case:
    """One network and data set; `steps` updates are timed `repeats` times in each way.

    Where these updates are the `whole` of a run of their request, the run itself is timed too.
    """

    name: str
    data: Data
    request: TrainRequest
    steps: int
    repeats: int
    whole: bool


def main(quick: bool = False) -> None:
    device = choose_device("auto")
    rows = [row for case in cases(quick, device) for row in measure(case, device)]
    write_record("training", rows, device=device.type)


def cases(quick: bool, device: torch.device) -> list[Case]:
    fast = device.type == "cuda"
    digits = TrainRequest(epochs=6, cycles=2)
    found = [Case("convnet, digits 1 x 8 x 8", load_data("digits"), digits, 6 * 23, 3 if quick else 7, True)]
    if not quick:
        images = synthetic(12_800 if fast else 512, (3, 32, 32))
        request = TrainRequest(architecture="resnet20", batch_size=128, epochs=1, cycles=1)
        found.append(
            Case(
                "resnet20, random images 3 x 32 x 32",
                images,
                request,
                100 if fast else 4,
                7 if fast else 5,
                False,
            )
        )
    return found


def synthetic(count: int, shape: tuple[int, ...]) -> Data:
    generator = torch.Generator().manual_seed(0)

    def examples(number: int) -> Examples:
        return Examples(torch.randn(number, *shape, generator=generator), torch.arange(number) % 10)

    classes = tuple("0123456789")
    return Data(name="random", digest="0" * 64, train=examples(count), test=examples(64), classes=classes)


def measure(case: Case, device: torch.device) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            **({"run": run_whole(case, device, Path(folder))} if case.whole else {}),
            "steps": our_steps(case, device, Path(folder), "none"),
            "steps crop-flip": our_steps(case, device, Path(folder), "crop-flip"),
            "loader": usual_loop(case, device),
            "bare": bare_steps(case, device, torch.contiguous_format),
            "bare channels-last": bare_steps(case, device, torch.channels_last),
        }
        seconds = time_in_turn(ways, repeats=case.repeats, device=device.type)
    images = case.steps * len(case.data.train) / -(-len(case.data.train) // case.request.batch_size)
    rows = []
    for way in ways:
        rates = spread([images / value for value in seconds[way]])
        # Ratios within each turn, so that a busy moment of the machine falls on both sides.
        ratios = {
            f"times_{other.replace(' ', '_').replace('-', '_')}": spread(
                [theirs / ours for ours, theirs in zip(seconds[way], seconds[other], strict=True)]
            )
            for other in ("loader", "bare", "bare channels-last")
        }
        rows.append(
            {"case": case.name, "way": way, "steps": case.steps, "images_per_second": rates, **ratios}
        )
        print(
            f"{case.name:36} {way:19} {rates['median']:9,.0f} images/s ({rates['low']:,.0f} to {rates['high']:,.0f})  "
            f"{ratios['times_loader']['median']:5.2f} x loader  {ratios['times_bare']['median']:5.2f} x bare"
        )
    return rows


def run_whole(case: Case, device: torch.device, folder: Path) -> Callable[[], None]:
    number = iter(range(1000))
    return lambda: (
        train(case.request, folder / f"run {next(number)}", data=case.data, device=device.type) and None
    )


def our_steps(case: Case, device: torch.device, folder: Path, augmentation) -> Callable[[], None]:
    request = TrainRequest(
        architecture=case.request.architecture,
        batch_size=case.request.batch_size,
        epochs=case.request.epochs,
        cycles=case.request.cycles,
        augmentation=augmentation,
    )

    def take_steps() -> None:
        with torch.random.fork_rng():
            training = Training(request, folder, case.data, device)
            for _ in range(case.steps):
                training._take_step()

    return take_steps


def usual_loop(case: Case, device: torch.device) -> Callable[[], None]:
    module = fresh_network(case).to(device)
    optimizer = usual_optimizer(module, case.request)
    dataset = TensorDataset(case.data.train.inputs, case.data.train.targets)
    loader = DataLoader(dataset, batch_size=case.request.batch_size, shuffle=True)

    def take_steps() -> None:
        taken = 0
        while taken < case.steps:
            for inputs, targets in loader:
                loss = functional.cross_entropy(module(inputs.to(device)), targets.to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss.item()
                taken += 1

    return take_steps


def bare_steps(case: Case, device: torch.device, layout: torch.memory_format) -> Callable[[], None]:
    module = fresh_network(case).to(device).to(memory_format=layout)
    optimizer = usual_optimizer(module, case.request)
    batch = slice(0, case.request.batch_size)
    inputs = case.data.train.inputs[batch].to(device).contiguous(memory_format=layout)
    targets = case.data.train.targets[batch].to(device)

    def take_steps() -> None:
        for _ in range(case.steps):
            loss = functional.cross_entropy(module(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return take_steps


def fresh_network(case: Case) -> nn.Module:
    torch.manual_seed(0)
    return build_network(case.request.architecture, case.data.input_shape, len(case.data.classes))


def usual_optimizer(module: nn.Module, request: TrainRequest) -> torch.optim.SGD:
    return torch.optim.SGD(
        module.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=request.weight_decay
    )


if __name__ == "__main__":
    main()

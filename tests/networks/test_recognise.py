import re

import pytest
import torch
from torch import Tensor

from landscape.core.errors import CheckpointError, RequestError
from landscape.geometry.parameters import ParameterSpace
from landscape.networks.architectures import architecture_names, build_network
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.networks.recognise import build_skeleton, recognise


def tensors(name: str, input_shape: tuple[int, ...] = (2, 5, 7), classes: int = 4) -> dict[str, Tensor]:
    with torch.device("meta"):
        return dict(build_network(name, input_shape, classes).state_dict())


@pytest.mark.parametrize("name", architecture_names())
def test_every_architecture_is_recognised_whatever_the_order(name: str) -> None:
    state = tensors(name)
    expected = (name, (70,) if name == "mlp" else None, 4)
    assert recognise(state) == expected
    assert recognise(dict(sorted(state.items()))) == expected
    assert recognise(dict(reversed(state.items()))) == expected


def test_files_without_the_batch_counters_are_recognised() -> None:
    state = {name: tensor for name, tensor in tensors("resnet20").items() if "num_batches" not in name}
    assert recognise(state) == ("resnet20", None, 4)


def test_the_skeleton_lays_out_the_tensors() -> None:
    torch.manual_seed(0)
    network = build_network("convnet", (2, 5, 7), 4)
    skeleton = build_skeleton("convnet", network.state_dict())
    assert ParameterSpace.of(skeleton) == ParameterSpace.of(network)
    assert all(parameter.is_meta for parameter in skeleton.parameters())
    checkpoint = Checkpoint.from_state_dict(network.state_dict(), skeleton, CheckpointMetadata())
    assert checkpoint.space.flatten(dict(network.named_parameters())).equal(checkpoint.theta)


def test_nothing_at_all_gets_a_sentence() -> None:
    with pytest.raises(
        CheckpointError, match="The file holds no tensors; expected the state dict of a network"
    ):
        recognise({})


def test_a_stranger_gets_a_sentence_that_says_what_was_seen() -> None:
    message = (
        "fit no known architecture (the first is 'encoder.weight' of shape [5, 3]); known are mlp, convnet,"
    )
    with pytest.raises(CheckpointError, match=re.escape(message)):
        recognise({"encoder.weight": torch.zeros(5, 3)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"layer2.1.conv2.weight": None},
            "the nearest is resnet20, but 'layer2.1.conv2.weight' of shape [32, 32, 3, 3] is missing.",
        ),
        (
            {"layer2.1.conv2.weight": torch.zeros(32, 32, 5, 5)},
            "the nearest is resnet20, but 'layer2.1.conv2.weight' has shape [32, 32, 5, 5] instead of [32, 32, 3, 3].",
        ),
        ({"extra": torch.zeros(2)}, "the nearest is resnet20, but it has no tensor 'extra'."),
        (
            {"linear.weight": torch.zeros(64)},
            "the nearest is resnet20, but 'linear.weight' has shape [64] instead of",
        ),
        (
            {"conv1.weight": torch.zeros(16)},
            "the nearest is resnet20, but 'conv1.weight' has shape [16] instead of",
        ),
        (
            {"linear.bias": torch.zeros(7)},
            "the nearest is resnet20, but 'linear.bias' has shape [7] instead of [4].",
        ),
    ],
)
def test_a_misfit_is_told_by_the_nearest_architecture(change: dict[str, Tensor | None], message: str) -> None:
    state = {name: tensor for name, tensor in {**tensors("resnet20"), **change}.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=re.escape(message)):
        recognise(state)


def test_a_skeleton_of_another_architecture_gets_a_sentence() -> None:
    message = "The tensors do not fit convnet: 'conv2.weight' of shape [32, 16, 3, 3] is missing; choose the"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        build_skeleton("convnet", tensors("resnet20"))
    with pytest.raises(RequestError, match="There is no architecture named 'x'"):
        build_skeleton("x", tensors("resnet20"))

import pytest
import torch

from landscape.networks.architectures import build_network
from landscape.training import threads
from tests.conftest import PlainNet, TinyNet, tiny_data


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_operations_are_two_for_each_multiplication():
    # 70 x 5 + 5 x 3
    assert threads.operations(PlainNet(), torch.zeros(4, 2, 5, 7)) == 4 * 2 * (70 * 5 + 5 * 3)
    # 3 x 3 kernels over 5 x 7 pixels: 2 -> 5 channels, then 5 -> 5 twice; 5 -> 3 at the end
    assert threads.operations(TinyNet(), torch.zeros(1, 2, 5, 7)) == 2 * (35 * 9 * (10 + 25 + 25) + 15)


@pytest.mark.parametrize(
    ("architecture", "shape", "size", "expected"),
    [
        ("mlp", (1, 8, 8), 64, 1),
        ("convnet", (1, 8, 8), 64, 1),
        ("resnet20", (1, 8, 8), 64, 1),
        ("resnet20", (3, 32, 32), 128, 3),
    ],
)
def test_small_layers_get_one_thread(architecture, shape, size, expected):
    module = build_network(architecture, shape, 10)
    with threads.threads_for(module, torch.zeros(1, *shape).expand(size, *shape)):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 3


def test_threads_come_back_after_an_error_and_the_module_is_left_alone():
    module = TinyNet().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(KeyError), threads.threads_for(module, tiny_data().train.inputs):
        raise KeyError
    assert torch.get_num_threads() == 3
    assert module.training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert not module.first._forward_hooks

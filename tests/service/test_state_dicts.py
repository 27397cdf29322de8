import pytest
import torch
from torch import nn

from landscape.core.errors import CheckpointError
from landscape.service.state_dicts import NESTS, PREFIXES, find_weights

W = {"first.weight": torch.arange(6.0).reshape(2, 3), "first.bias": torch.tensor([1.0, 2.0])}


def _same(found, expected=W):
    assert list(found.tensors) == list(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found.tensors[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("nest", ["", *NESTS])
def test_weights_are_found_where_scripts_put_them(nest):
    content = {"epoch": 3, "accuracy": torch.tensor(0.5), nest: W} if nest else W
    found = find_weights(content)
    assert found.found_in == nest
    _same(found)


def test_weights_may_be_nested_twice():
    found = find_weights({"model": {"state_dict": W, "version": 1}})
    assert found.found_in == "model.state_dict"
    _same(found)


@pytest.mark.parametrize(
    "prefixes", [(), *((p,) for p in PREFIXES), ("_orig_mod.", "module."), ("module.", "model.", "net.")]
)
def test_prefixes_are_taken_off_as_often_as_needed(prefixes):
    found = find_weights({"".join(prefixes) + name: tensor for name, tensor in W.items()})
    assert found.prefixes == prefixes
    _same(found)
    variants = list(found.variants())
    assert len(variants) == len(prefixes) + 1
    assert list(variants[-1]) == ["".join(prefixes) + name for name in W]


def test_a_prefix_that_only_some_names_have_stays():
    content = {"model.weight": torch.ones(2), "head.weight": torch.ones(3)}
    assert list(find_weights(content).tensors) == list(content)


def test_an_averaged_model():
    averaged = torch.optim.swa_utils.AveragedModel(nn.Linear(3, 2))
    found = find_weights(averaged.state_dict())
    assert (list(found.tensors), found.prefixes, found.dropped) == (
        ["weight", "bias"],
        ("module.",),
        ("n_averaged",),
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32_and_it_is_noted(dtype):
    found = find_weights({"w": torch.tensor([1.5, -2.0], dtype=dtype), "count": torch.tensor(7)})
    assert found.casts == (f"{str(dtype).removeprefix('torch.')} to float32",)
    assert found.tensors["w"].dtype == torch.float32
    assert found.tensors["w"].tolist() == [1.5, -2.0]
    assert found.tensors["count"].dtype == torch.int64


def test_shared_and_strided_tensors_become_plain_ones():
    long = torch.arange(12.0)
    found = find_weights({"a": long, "b": long, "c": long.view(3, 4).t(), "p": nn.Parameter(long)})
    assert len({tensor.data_ptr() for tensor in found.tensors.values()}) == 4
    assert all(tensor.is_contiguous() and not tensor.requires_grad for tensor in found.tensors.values())
    torch.testing.assert_close(found.tensors["c"], long.view(3, 4).t(), rtol=0, atol=0)


def test_what_is_no_weight_is_dropped():
    found = find_weights(
        {"w": torch.ones(2), "_extra_state": {"a": 1}, "z": torch.ones(2, dtype=torch.complex64), 3: 1}
    )
    assert list(found.tensors) == ["w"]
    assert found.dropped == ("3", "_extra_state", "z")


@pytest.mark.parametrize(
    "content", [{}, {"epoch": 3}, [torch.ones(2)], torch.ones(2), None, {"optimizer": {"state": W}}]
)
def test_no_weights_is_one_sentence(content):
    with pytest.raises(CheckpointError, match="it holds no weights where training scripts put them"):
        find_weights(content)

import struct

import pytest
import torch
from safetensors.torch import save_file

from landscape.core.errors import CheckpointError, StoreError
from landscape.networks.architectures import build_network
from landscape.networks.checkpoint_files import load_checkpoint_file, read_metadata, save_checkpoint
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from tests.conftest import tiny_checkpoint


def network(architecture="convnet", shape=(2, 5, 7)):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build_network(architecture, shape, 3)


def test_round_trip_is_exact(tmp_path):
    checkpoint = tiny_checkpoint(3)  # an architecture of the user's own, which no registry knows
    path = tmp_path / "new folder" / "a.safetensors"
    save_checkpoint(checkpoint, path)
    loaded = load_checkpoint_file(path)
    assert torch.equal(loaded.theta, checkpoint.theta)
    assert loaded.theta.dtype == torch.float32
    assert loaded.buffers.keys() == checkpoint.buffers.keys()
    for name, buffer in checkpoint.buffers.items():
        assert torch.equal(loaded.buffers[name], buffer)
        assert loaded.buffers[name].dtype == buffer.dtype
    assert loaded.space == checkpoint.space
    assert loaded.metadata == checkpoint.metadata == read_metadata(path)
    assert loaded.digest == checkpoint.digest
    assert loaded.source == str(path)


def test_same_checkpoint_same_bytes(tmp_path):
    save_checkpoint(tiny_checkpoint(3), tmp_path / "a.safetensors")
    save_checkpoint(tiny_checkpoint(3), tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_values_that_are_not_finite_are_taken_as_they_are(tmp_path):
    module = network("mlp")
    with torch.no_grad():
        module.get_parameter("output.bias")[:2] = torch.tensor([float("inf"), float("nan")])
    checkpoint = Checkpoint.from_module(module, CheckpointMetadata(architecture="mlp"))
    save_checkpoint(checkpoint, tmp_path / "a.safetensors")
    assert load_checkpoint_file(tmp_path / "a.safetensors").digest == checkpoint.digest


def test_a_flipped_bit_in_the_tensors_is_found(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(tiny_checkpoint(3), path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        CheckpointError, match="is damaged: its tensors do not match the digest written with them"
    ):
        load_checkpoint_file(path)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    save_checkpoint(tiny_checkpoint(3), path)
    before = path.read_bytes()

    def refuse(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(StoreError, match="is full; free some space and resume"):
        save_checkpoint(tiny_checkpoint(4), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("architecture", ["convnet", "resnet20", "resnet20-conv", "resnet20-noshort"])
def test_foreign_weights_are_recognised(tmp_path, architecture):
    module = network(architecture, (2, 8, 8))
    save_file(module.state_dict(), tmp_path / "theirs.safetensors")
    loaded = load_checkpoint_file(tmp_path / "theirs.safetensors")
    assert torch.equal(loaded.theta, Checkpoint.from_module(module).theta)
    assert loaded.space == Checkpoint.from_module(module).space
    assert loaded.metadata.architecture == architecture
    assert loaded.metadata.classes == 3
    assert loaded.label == "theirs"


def test_foreign_mlp_says_its_input_shape(tmp_path):
    save_file(network("mlp").state_dict(), tmp_path / "a.safetensors")
    assert load_checkpoint_file(tmp_path / "a.safetensors").metadata.input_shape == (70,)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_as_float32(tmp_path, dtype):
    module = network()
    state = {
        name: value.to(dtype) if value.is_floating_point() else value
        for name, value in module.state_dict().items()
    }
    save_file(state, tmp_path / "a.safetensors")
    loaded = load_checkpoint_file(tmp_path / "a.safetensors")
    assert loaded.theta.dtype == loaded.buffers["bn1.running_mean"].dtype == torch.float32
    assert torch.equal(loaded.theta, Checkpoint.from_module(module).theta.to(dtype).float())


def test_files_from_before_batches_were_counted(tmp_path):
    state = {
        name: value for name, value in network().state_dict().items() if not name.endswith("batches_tracked")
    }
    save_file(state, tmp_path / "a.safetensors")
    loaded = load_checkpoint_file(tmp_path / "a.safetensors")
    loaded.load_into(network())
    assert loaded.buffers["bn1.num_batches_tracked"] == 0


def test_loading_leaves_the_random_state_alone(tmp_path):
    save_file(network().state_dict(), tmp_path / "a.safetensors")
    before = torch.get_rng_state()
    load_checkpoint_file(tmp_path / "a.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_foreign_weights_that_fit_nothing(tmp_path):
    save_file({"a.weight": torch.zeros(3, 5)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="The tensors fit no known architecture"):
        load_checkpoint_file(tmp_path / "a.safetensors")


def test_numbers_of_an_unknown_type(tmp_path):
    header = b'{"a":{"dtype":"X9","shape":[4],"data_offsets":[0,4]}}'
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4)
    with pytest.raises(CheckpointError, match="is damaged or holds a type of number that torch cannot read"):
        load_checkpoint_file(tmp_path / "a.safetensors")


def test_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint file"):
        load_checkpoint_file(tmp_path / "a.safetensors")


def test_a_pickle_is_never_opened(tmp_path):
    torch.save(network().state_dict(), tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"is not a safetensors file; give one, or import \.pt"):
        load_checkpoint_file(tmp_path / "a.pt")

import json
import struct
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from landscape.core.errors import CheckpointError
from landscape.core.weights_header import TensorEntry, read_header, read_metadata
from landscape.networks.checkpoint_files import save_checkpoint
from tests.conftest import tiny_checkpoint


def write(path, header, tensors=b"", *, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + tensors)
    return path


def entry(start, stop, shape=None, dtype="F32"):
    return {
        "dtype": dtype,
        "shape": [(stop - start) // 4] if shape is None else shape,
        "data_offsets": [start, stop],
    }


def test_own_file_tells_everything(tmp_path):
    checkpoint = tiny_checkpoint(3)
    save_checkpoint(checkpoint, tmp_path / "own.safetensors")
    header = read_header(tmp_path / "own.safetensors")
    assert header.metadata == checkpoint.metadata == read_metadata(tmp_path / "own.safetensors")
    assert header.stored is not None
    assert header.stored.digest == checkpoint.digest
    assert header.stored.parameters == checkpoint.space.names
    assert header.parameter_count == checkpoint.space.dimension
    assert header.tensors["first.weight"] == TensorEntry("F32", (5, 2, 3, 3))
    assert header.tensors["norm.num_batches_tracked"] == TensorEntry("I64", ())
    assert set(header.tensors) == set(checkpoint.state_dict())


def test_foreign_file_has_empty_metadata(tmp_path):
    save_file({"a": torch.zeros(3, 5), "b": torch.zeros(0)}, tmp_path / "foreign.safetensors")
    header = read_header(tmp_path / "foreign.safetensors")
    assert header.stored is None
    assert header.parameter_count is None
    assert header.metadata.architecture == ""
    assert header.tensors == {"a": TensorEntry("F32", (3, 5)), "b": TensorEntry("F32", (0,))}


def test_other_metadata_is_no_hindrance(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "pt.safetensors", {"format": "pt"})
    assert read_header(tmp_path / "pt.safetensors").stored is None


def test_missing_file(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"There is no checkpoint file .*none.safetensors; check the path"
    ):
        read_header(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03",
        b"PK\x03\x04" + b"\0" * 60,  # a zip, as torch.save writes
        b"\x80\x02}q\x00." + b"\0" * 40,  # a pickle
        struct.pack("<Q", 5) + b"hello",
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 13) + b'{"a": {"b":1}}'[:13],
        struct.pack("<Q", 200000) + b"[" * 200000,
    ],
)
def test_other_formats(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is not a safetensors file; give one, or import \.pt"):
        read_header(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "header",
    [
        {"a": entry(0, 12, shape=[4])},  # four numbers in twelve bytes
        {"a": entry(0, 12), "b": entry(8, 12)},  # overlap
        {"a": entry(4, 12)},  # gap at the start
        {"a": entry(0, 4), "b": entry(8, 12)},  # gap in the middle
        {"a": entry(0, 12, shape=[-3])},
        {"a": {"dtype": "F32", "shape": [3]}},
        {"a": {"dtype": "F32", "shape": 3, "data_offsets": [0, 12]}},
        {"a": 3},
    ],
)
def test_headers_that_contradict_themselves(tmp_path, header):
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        read_header(write(tmp_path / "x.safetensors", header, b"\0" * 12))


def test_cut_short_at_every_length(tmp_path):
    whole = tmp_path / "whole.safetensors"
    save_checkpoint(tiny_checkpoint(3), whole)
    content = whole.read_bytes()
    for length in (*range(40), 500, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.safetensors").write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            read_header(tmp_path / "cut.safetensors")


def test_cut_short_in_the_header(tmp_path):
    with pytest.raises(
        CheckpointError, match="is cut short: its header has 90 bytes, 12 are there; copy or download"
    ):
        read_header(write(tmp_path / "x.safetensors", b'{"a": {"dtyp', length=90))


@pytest.mark.parametrize("present", [0, 7, 13])
def test_tensors_cut_short_or_too_long(tmp_path, present):
    path = write(tmp_path / "x.safetensors", {"a": entry(0, 12)}, b"\0" * present)
    message = f"is damaged: its header announces 12 bytes of tensors, {present} are there; copy or download"
    with pytest.raises(CheckpointError, match=message):
        read_header(path)


@pytest.mark.parametrize("text", ["{}", "not json", '{"parameters": 3}', '{"architecture": 5}'])
def test_damaged_metadata(tmp_path, text):
    path = write(
        tmp_path / "x.safetensors", {"__metadata__": {"landscape": text}, "a": entry(0, 4)}, b"\0" * 4
    )
    with pytest.raises(
        CheckpointError, match=r"The metadata of .* cannot be read .*save the checkpoint again"
    ):
        read_header(path)


def test_metadata_that_name_absent_parameters(tmp_path):
    text = json.dumps({"parameters": ["a", "b"], "roles": ["weight", "bias"], "digest": ""})
    path = write(
        tmp_path / "x.safetensors", {"__metadata__": {"landscape": text}, "a": entry(0, 4)}, b"\0" * 4
    )
    with pytest.raises(
        CheckpointError, match="contradicts itself: its metadata name 2 parameters, 1 of which"
    ):
        read_header(path)


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = write(tmp_path / "x.safetensors", {"a": entry(0, 4)}, b"\0" * 4)

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)  # the tests may run as root, whom no mode stops
    with pytest.raises(
        CheckpointError, match=r"cannot be read \(Permission denied\); check that you may read it"
    ):
        read_header(path)


def test_headers_and_runs_are_read_without_torch():
    code = (
        "import sys, landscape.core.weights_header, landscape.training.runs; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

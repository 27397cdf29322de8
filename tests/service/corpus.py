"""Checkpoint files of every kind: honest, unsupported, damaged, hostile. All payloads are harmless markers."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn


def small_network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(5, 3))


def saved(content, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def legacy(content) -> bytes:
    return saved(content, _use_new_zipfile_serialization=False)


@dataclass
class Block:
    """A stored block as a pickle announces it, whatever is really stored."""

    kind: str = "FloatStorage"
    key: str = "0"
    count: int = 4
    view: object = None


@dataclass
class Announced:
    """A tensor as a pickle announces it."""

    block: object
    offset: int = 0
    shape: tuple = (4,)
    stride: tuple = (1,)

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, (
            self.block, self.offset, self.shape, self.stride, False, OrderedDict(),
        )  # fmt: skip


@dataclass
class Calls:
    """An object whose pickle calls a function."""

    function: object
    arguments: tuple
    state: object = None

    def __reduce__(self):
        return (
            (self.function, self.arguments)
            if self.state is None
            else (self.function, self.arguments, self.state)
        )


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if not isinstance(obj, Block):
            return None
        kind = getattr(torch, obj.kind) if isinstance(obj.kind, str) else obj.kind
        return ("storage", kind, obj.key, "cpu", obj.count) + ((obj.view,) if obj.view else ())


def pickled(content) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=2).dump(content)
    return buffer.getvalue()


def archive(content, blocks=None, *, raw=None, compression=zipfile.ZIP_STORED, extra=(), root="a/") -> bytes:
    """A zip archive in the manner of torch.save, with any index and any blocks."""
    blocks = {"0": b"\0" * 16} if blocks is None else blocks
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr(f"{root}data.pkl", pickled(content) if raw is None else raw)
        file.writestr(f"{root}byteorder", b"little")
        for key, block in blocks.items():
            file.writestr(f"{root}data/{key}", block)
        for name, entry in extra:
            file.writestr(name, entry)
    return buffer.getvalue()


def safetensors(header, data=b"\0" * 16, *, raw=None) -> bytes:
    text = json.dumps(header).encode() if raw is None else raw
    return struct.pack("<Q", len(text)) + text + data


def entry(shape=(4,), offsets=(0, 16), dtype="F32") -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def big_endian() -> bytes:
    """The values 1 to 4 in the byte order of another machine."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a/data.pkl", pickled({"w": Announced(Block())}))
        file.writestr("a/byteorder", b"big")
        file.writestr("a/data/0", struct.pack(">4f", 1, 2, 3, 4))
        file.writestr("a/version", b"3\n")
    return buffer.getvalue()


def must_load() -> dict[str, bytes]:
    network = small_network()
    optimizer = torch.optim.AdamW(
        [{"params": list(network[0].parameters())}, {"params": list(network[3].parameters()), "lr": 0.1}]
    )
    network(torch.ones(2, 2, 3, 3)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5, 5])
    state = network.state_dict()
    everything = {
        "epoch": 3, "best": torch.tensor(0.9), "state_dict": state, "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(), "rng": torch.get_rng_state(), "half": torch.float16,
        "device": torch.device("cpu"), "bytes": b"\xff", "set": {1, 2}, "args": {"lr": 0.1, "name": "x"},
    }  # fmt: skip
    long = torch.arange(1000.0)
    return {
        "A01 state_dict": saved(state),
        "A02 training state": saved(everything),
        "A03 DataParallel": saved({f"module.{name}": tensor for name, tensor in state.items()}),
        "A04 compiled": saved({f"_orig_mod.module.{name}": tensor for name, tensor in state.items()}),
        "A05 legacy": legacy(everything),
        "A06 types": saved({str(d): torch.ones(3).to(d) for d in (
            torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.bool, torch.int64)}),
        "A07 shared": saved({"a": long, "b": long, "c": long.view(10, 100).t(), "d": torch.zeros(0, 3)}),
        "A08 view": saved({"a": long[3:7]}),
        "A09 parameters": saved(dict(network.named_parameters())),
        "A10 big-endian": big_endian(),
        "A11 safetensors": safetensors({"__metadata__": {"format": "pt"}, "w": entry()}),
        "A12 one dict twice": saved({"state_dict": state, "ema_state_dict": state}),
    }  # fmt: skip


def evil(marker) -> dict[str, bytes]:
    """Files that run code when they are unpickled: each would create the marker."""
    system = Calls(os.system, (f"touch {marker}",))
    evaluate = Calls(eval, (f"open({str(marker)!r}, 'w')",))
    state = small_network().state_dict()
    return {
        "D01 system in zip": saved({"w": state, "x": system}),
        "D02 eval in zip": saved({"w": state, "x": evaluate}),
        "D03 raw": pickle.dumps(system, protocol=2),
        "D04 legacy": legacy({"w": state, "x": system}),
        "raw eval, protocol 4": pickle.dumps(evaluate, protocol=4),
    }

# ruff: noqa: E501  -- tables: one file and the words of its refusal on each line
"""Files that the gate refuses, and the telling words of each refusal; alternatives are separated by |."""

import argparse
import bz2
import codecs
import datetime
import gzip
import io
import pickle
import random
import struct
import warnings
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import torch

from tests.service.corpus import (
    Announced,
    Block,
    Calls,
    archive,
    entry,
    pickled,
    safetensors,
    saved,
    small_network,
)

STATE = small_network().state_dict()


class _Whole(torch.nn.Linear):
    pass


UNSUPPORTED = {
    "whole model of torch": (saved(small_network()), "it is a whole pickled model"),
    "whole model of ours": (saved(_Whole(2, 3)), "it refers to Python code"),
    "Namespace": (saved({"w": STATE, "args": argparse.Namespace(lr=1)}), "it stores argparse settings"),
    "NumPy": (saved({"w": STATE, "history": np.ones(3)}), "it stores NumPy objects"),
    "path": (saved({"w": STATE, "path": Path("x")}), "it stores paths"),
    "date": (saved({"w": STATE, "date": datetime.date(2026, 1, 1)}), "it stores dates"),
    "defaultdict": (saved(defaultdict(list, w=torch.ones(2))), "it stores a defaultdict"),
    "protocol 4": (saved(STATE, pickle_protocol=4), "it was saved with pickle protocol 4"),
    "sparse": (saved({"w": torch.eye(3).to_sparse()}), "it holds sparse tensors"),
    "quantised": (archive({"w": Calls(torch._utils._rebuild_qtensor, (1,))}), "quantised tensors"),
    "meta": (saved({"w": torch.ones(3, device="meta")}), "it holds meta tensors"),
    "complex": (saved({"w": torch.ones(3, dtype=torch.complex64)}), "it holds complex tensors"),
    "uint16": (saved({"w": torch.ones(3, dtype=torch.uint16)}), "a rare type of number"),
    "complex safetensors": (safetensors({"w": entry((2,), dtype="C64")}), "a tensor of type 'C64'"),
    "no tensors": (saved({"epoch": 3}), "it holds no tensors"),
    "no tensors in safetensors": (safetensors({}, b""), "it holds no tensors"),
}  # fmt: skip


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, w=np.ones(3))
    return buffer.getvalue()


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones(3))
    return buffer.getvalue()


def _zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return buffer.getvalue()


WRONG_FILES = {
    "npz": (_npz(), "it is a NumPy file"),
    "npy": (_npy(), "it is a NumPy file"),
    "plain pickle": (pickle.dumps({"a": 1}), "it is a Python pickle"),
    "zipped checkpoint": (_zipped("model/x.pt", saved(STATE)), "unzip it and upload what is inside"),
    "gzip": (gzip.compress(saved(STATE)), "it is a gzip file; unpack it"),
    "bzip2": (bz2.compress(b"weights"), "it is a bzip2 file; unpack it"),
    "7-zip": (b"7z\xbc\xaf'\x1c", "it is a 7-zip file; unpack it"),
    "xz": (b"\xfd7zXZ\0\0", "it is an xz file; unpack it"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "it is an HDF5 file"),
    "GGUF": (b"GGUF\3\0\0\0" + b"\1" * 90, "it is a GGUF file"),
    "HTML": (b"\n <!DOCTYPE html><html>404", "it is a web page, perhaps a failed download"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:12", "it is a Git LFS pointer; run"),
    "tar": (b"\0" * 257 + b"ustar" + b"\0" * 300, "it is a tar file, the format of torch before 0.4"),
    "noise": (random.Random(1).randbytes(2000), "it is neither a torch checkpoint nor a safetensors file"),
    "text": (b"epoch,loss\n1,2\n", "it is neither a torch checkpoint nor a safetensors file"),
    "TorchScript": (archive({}, extra=[("a/constants.pkl", b""), ("a/code/x.py", b"")]), "it is a TorchScript program"),
    "torch.export": (archive({}, extra=[("a/archive_format", b"pt2")]), "it is a torch.export program"),
}  # fmt: skip


def _renamed_locally() -> bytes:
    content = archive({"w": Announced(Block())})
    return content.replace(b"a/data/0", b"a/data/1", 1)


def _overlapping() -> bytes:
    content = bytearray(archive({"w": Announced(Block())}, extra=[("a/x", b"1")]))
    place = content.rindex(b"PK\1\2")
    struct.pack_into("<I", content, place + 42, 8)
    return bytes(content)


def _encrypted() -> bytes:
    content = bytearray(archive({"w": Announced(Block())}))
    for place in [i for i in range(len(content)) if content[i : i + 4] == b"PK\1\2"]:
        content[place + 8] |= 1
    return bytes(content)


def _twice(first: object, second: object) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w") as file:
        for content in (first, second):
            file.writestr("a/data.pkl", pickled(content))
        file.writestr("a/data/0", b"\0" * 16)
    return buffer.getvalue()


def _nested(depth: int, kind: type) -> object:
    value: object = Announced(Block())
    for _ in range(depth):
        value = kind([value])
    return value


def _laughs() -> list:
    value: list = ["ha"]
    for _ in range(30):
        value = [value, value]
    return value


def _itself() -> dict:
    value: dict = {"w": Announced(Block())}
    value["again"] = [value]
    return value


def _index(*instructions: bytes) -> bytes:
    return archive(None, raw=b"\x80\x02" + b"".join(instructions) + b".")


W = Announced(Block())
HOSTILE = {
    "D05 zip bomb": (archive({"w": Announced(Block(count=1 << 24), shape=(1 << 24,))}, {"0": bytes(1 << 26)}, compression=zipfile.ZIP_DEFLATED), "its entries are compressed"),
    "D07 more than stored": (archive({"w": Announced(Block(count=99), shape=(99,))}), "is 16 bytes, 396 bytes are expected"),
    "C07 missing block": (archive({"w": W}, {}), "its stored block '0' is missing"),
    "C08 short block": (archive({"w": W}, {"0": b"\0" * 12}), "is 12 bytes, 16 bytes are expected"),
    "D09 larger than its block": (archive({"w": Announced(Block(), shape=(5,))}), "larger than the numbers stored"),
    "D10 stride 0": (archive({"w": Announced(Block(), shape=(5000, 100), stride=(0, 0))}), "would expand from 4 stored to 500000"),
    "stride 0, many small": (archive({f"w{i}": Announced(Block(), shape=(4000,), stride=(0,)) for i in range(99)}), "it would expand from 4 stored to 396000"),
    "D10 stride 0, huge": (archive({"w": Announced(Block(), shape=(10**6, 10**6), stride=(0, 0))}), "a tensor of 1000000000000 numbers"),
    "D11 negative size": (archive({"w": Announced(Block(), shape=(-4,))}), "of impossible shape"),
    "D12 negative stride": (archive({"w": Announced(Block(), stride=(-1,))}), "in a way that torch never does"),
    "D13 negative offset": (archive({"w": Announced(Block(), offset=-1)}), "in a way that torch never does"),
    "D14 offset behind the end": (archive({"w": Announced(Block(), offset=2)}), "larger than the numbers stored"),
    "negative count": (archive({"w": Announced(Block(count=-4))}), "in a way that torch never does"),
    "shape and stride differ": (archive({"w": Announced(Block(), shape=(2, 2))}), "in a way that torch never does"),
    "no block": (archive({"w": Announced("storage")}), "in a way that torch never does"),
    "early view": (archive({"w": Announced(Block(view=("k", 0, 4)))}), "in the manner of early versions"),
    "block without tensor": (archive({"w": W, "x": Block()}), "numbers that are no tensor"),
    "D15 laughs": (archive({"w": W, "x": _laughs()}), "the same containers again and again"),
    "D16 deep": (archive(_nested(40, list)), "it nests containers more than 32 deep"),
    "D17 itself": (archive(_itself()), "the same containers again and again"),
    "D18 announced text": (_index(b"X\xff\xff\xff\xff"), "its index is damaged or cut short"),
    "long text": (archive({"w": W, "x": "x" * (1 << 21)}), "a text of 2097152 characters"),
    "long integer": (archive({"w": W, "x": 1 << 99}), "an integer of 100 bits"),
    "D20 two indices": (_twice({"w": W}, {"v": W}), "two of its zip entries have the same name"),
    "D21 outside": (archive({"w": W}, extra=[("a/../../x", b"")]), "lies outside its folder"),
    "D22 absolute": (archive({"w": W}, extra=[("/etc/x", b"")]), "lies outside its folder"),
    "backslash": (archive({"w": W}, extra=[("a/..\\x", b"")]), "lies outside its folder"),
    "D23 overlap": (_overlapping(), "zip entries overlap"),
    "D24 escape in a name": (archive({"w\x1b[2J": W}), "a tensor's name is too long or not printable"),
    "D24 right to left": (archive({"w\u202e": W}), "a tensor's name is too long or not printable"),
    "D24 long name": (archive({"w" * 600: W}), "a tensor's name is too long or not printable"),
    "D28 bad stack": (_index(b"t"), "its index is damaged or cut short"),
    "D29 reduce of nothing": (_index(b"K\x01)R"), "its index calls something"),
    "D30 set on a tuple": (_index(b")K\x01K\x02s"), "its index is damaged or cut short"),
    "D31 bytearray": (archive({"w": W, "x": Calls(bytearray, (3 << 30,))}), "it asks for memory without giving its content"),
    "D33 many tensors": (archive({str(i): W for i in range(20_001)}), "it holds 20001 tensors"),
    "D34 two types": (archive({"w": W, "v": Announced(Block("HalfStorage", count=8))}), "as two types"),
    "D35 uninitialised": (archive({"w": W, "x": Calls(torch.Tensor, (1 << 30,))}), "without giving their numbers"),
    "D36 storage of any size": (archive({"w": W, "x": Calls(torch.FloatStorage, (1 << 30,))}), "its index calls something"),
    "slow encoding": (archive({"w": W, "x": Calls(codecs.encode, ("x", "idna"))}), "its index calls something"),
    "D40 another local name": (_renamed_locally(), "its zip entries are damaged|checksum of"),
    "D41 encrypted": (_encrypted(), "its entries are encrypted"),
    "D42 prefix": (b"MZ" + archive({"w": W}), "it is neither a torch checkpoint"),
    "D43 suffix": (archive({"w": W}) + b"#!/bin/sh", "foreign bytes behind its end"),
    "D45 attributes": (archive({"w": W, "x": Calls(OrderedDict, (), {"__class__": 1})}), "sets attributes of objects"),
    "D48 dimensions": (archive({"w": Announced(Block(), shape=(1,) * 5000, stride=(1,) * 5000)}), "of impossible shape"),
    "unknown instruction": (_index(b"\x8f"), "uses the pickle instruction EMPTY_SET"),
    "old instruction": (_index(b"cos\nsystem\n"), "it refers to Python code ('os system')"),
    "inst": (_index(b"(S'x'\nios\nsystem\n"), "uses the pickle instruction"),
    "behind the index": (archive(None, raw=pickled({"w": W}) + b"cos\nsystem\n)R."), "its index is damaged"),
    "byte order": (archive({"w": W}).replace(b"little", b"middle"), "its zip entries are damaged|checksum"),
    "E duplicate key": (safetensors({}, raw=b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'), "names something twice"),
    "E overlap": (safetensors({"a": entry(), "b": entry((2,), (8, 16))}), "safetensors header is damaged"),
    "E gap": (safetensors({"a": entry((2,), (8, 16))}), "safetensors header is damaged"),
    "E overflow": (safetensors({"a": entry((1 << 62, 4))}), "of 18446744073709551616 numbers"),
    "E negative": (safetensors({"a": entry((-4,), (0, -16))}), "of impossible shape"),
    "E wrong size": (safetensors({"a": entry((5,))}), "safetensors header is damaged"),
    "E header length": (struct.pack("<Q", 1 << 60) + b"{" + b" " * 99, "header is too large or cut short"),
    "E bad text": (safetensors({}, raw=b'{"\xff":1}'), "safetensors header is damaged"),
    "E deep": (safetensors({}, raw=b'{"a":' + b"[" * 100_000), "safetensors header is damaged"),
    "E no object": (safetensors({}, raw=b"{} []"), "safetensors header is damaged"),
    "E odd entry": (safetensors({"a": {"dtype": ["F32"]}}), "safetensors header is damaged"),
    "E name": (safetensors({"a\x07": entry()}), "a tensor's name is too long or not printable"),
    "E trailing": (safetensors({"a": entry()}) + b"x", "bytes long"),
}  # fmt: skip

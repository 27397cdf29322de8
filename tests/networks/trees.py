"""Small image data sets on the disk, in every form that can be loaded."""

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 5, 7

# Unequal numbers of images, so that a mix-up of classes or splits shows.
COUNTS = {"train": {"cat": 3, "ant": 4, "dog": 2}, "test": {"cat": 1, "ant": 2, "dog": 2}}

Tree = dict[str, bytes]


def encode(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def pixels(seed: int, channels: int = 3) -> np.ndarray:
    shape = (HEIGHT, WIDTH, 3) if channels == 3 else (HEIGHT, WIDTH)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def tree(channels: int = 3) -> Tree:
    """Path inside to content, in no particular order."""
    files = {}
    for split, counts in COUNTS.items():
        for label, count in counts.items():
            for number in range(count):
                seed = (hash_of(split, label) + number) % 1000
                files[f"{split}/{label}/{number}.png"] = encode(pixels(seed, channels))
    return files


def hash_of(split: str, label: str) -> int:
    return 100 * sum(map(ord, split + label))


def write_folder(files: Tree, folder: Path) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(files: Tree, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(files: Tree, path: Path) -> Path:
    mode = {".gz": "w:gz", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path

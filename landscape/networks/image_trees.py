"""Images in the layout `train/<class>/*`, `test/<class>/*`: a folder or an archive."""

# Shapes: N images · H, W height and width

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from landscape.core.errors import DataError
from landscape.core.requests import SPLITS, Split
from landscape.networks.archives import iterate_files
from landscape.networks.images import decode_image
from landscape.networks.raw_data import MAX_BYTES, RawData, RawSplit

# Only used to tell a misplaced image from notes; what lies in a class folder must be an image whatever its name.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
IGNORED_NAMES = ("__MACOSX", "Thumbs.db", "desktop.ini")

# Class and file name to pixels.
Found = dict[tuple[str, str], np.ndarray]


@dataclass(frozen=True)
class _Place:
    enclosing: str
    split: Split
    label: str
    file: str


def load_image_tree(path: Path) -> RawData:
    """Decode all images of a folder, a `.zip` or a `.tar(.gz|.xz)`.

    One folder around `train` and `test` is allowed. Examples are ordered by class and file name, classes by name. All
    images are gray, (N, 1, H, W), or, as soon as one has colour, all are (N, 3, H, W).

    Raises:
        DataError: The archive is damaged, the layout is another, a class is in one split only, an image is unreadable
            or of another size.
    """
    found: dict[Split, Found] = {"train": {}, "test": {}}
    bytes_held = 0
    for place, pixels in _decoded(path):
        found[place.split][place.label, place.file] = pixels
        bytes_held += pixels.nbytes
        if bytes_held > MAX_BYTES:
            raise DataError(
                f"The images of {path} need more than {MAX_BYTES >> 30} GiB; give fewer or smaller images."
            )
    for split in SPLITS:
        if not found[split]:
            raise DataError(
                f"{path} has no images in {split}/<class>/; expected train/<class>/* and test/<class>/*."
            )
    classes = _common_classes(found, path)
    channels = 3 if any(pixels.ndim == 3 for part in found.values() for pixels in part.values()) else 1
    train, test = (_stack(found[split], classes, channels) for split in SPLITS)
    return RawData(train, test, classes)


def _decoded(path: Path) -> Iterator[tuple[_Place, np.ndarray]]:
    size = enclosing = None
    for inside, content in iterate_files(path, lambda inside: _place(inside) is not None):
        place = _place(inside)
        if place is None:
            continue
        if enclosing is not None and place.enclosing != enclosing:
            raise DataError(
                f"{path} holds two data sets, in {enclosing or 'the top folder'!r} and in {place.enclosing!r}; "
                "give one of them."
            )
        enclosing = place.enclosing
        pixels = decode_image(content, f"{inside} in {path}", size)
        size = (pixels.shape[1], pixels.shape[0])
        yield place, pixels


def _place(inside: PurePosixPath) -> _Place | None:
    """Where a file belongs; None if it is none of the images."""
    parts = inside.parts
    if any(part.startswith(".") or part in IGNORED_NAMES for part in parts):
        return None
    enclosing = ""
    if parts and parts[0] not in SPLITS:
        enclosing, parts = parts[0], parts[1:]
    if len(parts) < 2 or parts[0] not in SPLITS:
        return None
    if len(parts) != 3:
        if inside.suffix.lower() not in IMAGE_SUFFIXES:
            return None
        raise DataError(
            f"The file {inside} lies {'deeper than' if len(parts) > 3 else 'outside'} a class folder; expected "
            "train/<class>/* and test/<class>/*."
        )
    return _Place(enclosing, "train" if parts[0] == "train" else "test", parts[1], parts[2])


def _common_classes(found: dict[Split, Found], path: Path) -> tuple[str, ...]:
    train, test = ({label for label, _ in found[split]} for split in SPLITS)
    if train != test:
        odd = min(train ^ test)
        here, there = ("train", "test") if odd in train else ("test", "train")
        raise DataError(
            f"The class {odd!r} of {path} has images in {here} but none in {there}; "
            "give both splits the same class folders."
        )
    return tuple(sorted(train))


def _stack(found: Found, classes: tuple[str, ...], channels: int) -> RawSplit:
    index = {label: number for number, label in enumerate(classes)}
    keys = sorted(found)
    height, width = found[keys[0]].shape[:2]
    values = np.empty((len(keys), channels, height, width), np.uint8)
    for row, key in zip(values, keys, strict=True):
        pixels = found[key]
        row[:] = pixels if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return RawSplit(values, np.array([index[label] for label, _ in keys], dtype=np.int64))

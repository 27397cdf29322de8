"""One encoded image to an array of bytes."""

import io

import numpy as np
from PIL import Image

from landscape.core.errors import DataError

# Formats that hold photographs and drawings; Pillow's others (PDF, EPS, ...) start programs or hold more than images.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 1 << 22  # ours: 2048 x 2048; the networks here are for images of some ten to some hundred pixels

_GRAY_MODES = ("1", "L", "LA")
_DEEP_MODES = ("I", "F")


def decode_image(content: bytes, name: str, size: tuple[int, int] | None) -> np.ndarray:
    """Decode an image; transparency is dropped.

    Args:
        content: The file.
        name: What to call it in a message.
        size: Width and height that it must have; None for any.

    Returns:
        uint8, (H, W) for a gray image, else (H, W, 3).

    Raises:
        DataError: The image is unreadable, of another size, huge, or has more than 8 bits a channel.
    """
    image = _open(content, name)
    if size is not None and image.size != size:
        raise DataError(
            f"{name} has {image.size[0]} x {image.size[1]} pixels (width x height), other images "
            f"{size[0]} x {size[1]}; give all images the same size."
        )
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise DataError(
            f"{name} has {image.size[0]} x {image.size[1]} pixels; scale the images down, to 32 x 32 for example."
        )
    if image.mode.startswith(_DEEP_MODES):
        raise DataError(f"{name} has more than 8 bits a channel; save the images with 8 bits.")
    mode = "L" if image.mode in _GRAY_MODES else "RGB"
    try:
        return np.asarray(image if image.mode == mode else image.convert(mode))
    except Exception as error:
        raise _unreadable(name, error) from error


def _open(content: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except Exception as error:  # Pillow's parsers let through whatever a damaged header makes them raise
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> DataError:
    reason = "it is in no known image format" if "cannot identify" in str(error) else str(error)
    return DataError(f"{name} is no readable image ({reason}); replace or remove it.")

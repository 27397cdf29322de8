import io

import numpy as np
import pytest
from PIL import Image

from landscape.core.errors import DataError
from landscape.networks import images
from landscape.networks.images import decode_image
from tests.networks.trees import encode, pixels


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("channels", [1, 3])
def test_exact_formats_come_back_exactly(kind: str, channels: int) -> None:
    original = pixels(4, channels)
    np.testing.assert_array_equal(decode_image(encode(original, kind), "x", None), original)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_other_formats_come_back_in_shape(kind: str) -> None:
    assert decode_image(encode(pixels(4), kind), "x", (5, 7)).shape == (7, 5, 3)


@pytest.mark.parametrize(
    ("mode", "shape"), [("1", (7, 5)), ("LA", (7, 5)), ("RGBA", (7, 5, 3)), ("P", (7, 5, 3))]
)
def test_other_modes_become_gray_or_colour(mode: str, shape: tuple[int, ...]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels(4)).convert(mode).save(buffer, "PNG")
    decoded = decode_image(buffer.getvalue(), "x", None)
    assert decoded.shape == shape
    assert decoded.dtype == np.uint8


def test_deep_images_are_refused() -> None:
    deep = np.arange(35, dtype=np.uint16).reshape(7, 5) * 500
    with pytest.raises(
        DataError, match=r"deep.png has more than 8 bits a channel; save the images with 8 bits"
    ):
        decode_image(encode(deep), "deep.png", None)


def test_huge_images_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 30)
    with pytest.raises(DataError, match="x has 5 x 7 pixels; scale the images down"):
        decode_image(encode(pixels(4))[:-20], "x", None)


def test_any_damage_gets_a_sentence_or_an_image() -> None:
    whole = encode(pixels(4))
    random = np.random.default_rng(0)
    messages = []
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= int(random.integers(1, 256))
        try:
            decode_image(bytes(damaged), "x.png", (5, 7))
        except DataError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all(message.startswith("x.png ") and "\n" not in message for message in messages)

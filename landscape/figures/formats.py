"""The formats that a result can leave in."""

from typing import Literal, get_args

Format = Literal["png", "svg", "pdf", "html", "csv", "nc", "webp"]
FORMATS: tuple[Format, ...] = get_args(Format)

MEDIA_TYPES: dict[Format, str] = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "html": "text/html",
    "csv": "text/csv",
    "nc": "application/x-netcdf",
    "webp": "image/webp",
}

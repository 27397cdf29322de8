"""Where a verb writes: checked before anything is computed."""

from pathlib import Path

import click

from landscape.core.errors import RequestError, unknown_name
from landscape.figures.formats import FORMATS

OUT_FILE = click.Path(path_type=Path)


def prepare_file(path: Path) -> Path:
    """The same path, once its folder is there and its suffix is one of `FORMATS`.

    Raises:
        RequestError: The suffix is another one, or the path is a folder.
        StoreError: The folder cannot be made.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        if not suffix:
            known = ", ".join(sorted(FORMATS))
            raise RequestError(f"{path} has no suffix; name a file that ends in one of {known}.")
        raise RequestError(unknown_name("file format", suffix, FORMATS))
    if path.is_dir():
        raise RequestError(f"{path} is a folder; name a file.")
    prepare_folder(path.parent)
    return path


def prepare_folder(path: Path) -> Path:
    """The same path, once the folder is there.

    Raises:
        StoreError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        from landscape.core.files import write_error  # brings xarray, which the help does without

        raise write_error(path, error) from error
    return path

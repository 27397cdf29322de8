"""What comes with the app: finished results with posters, and the runs they were computed from. No torch here.

`index.json` names them and holds the SHA-256 of every file: `results` (id, title, finding, file, poster, study),
`runs` (name, folder), `files` (path to SHA-256).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from landscape.core.errors import ResultError
from landscape.core.files import write_bytes_atomically

INDEX_FILE = "index.json"


class ResultRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One shipped result.

    Attributes:
        id: Its name in addresses.
        title: What it shows.
        finding: One sentence that says what is to be seen.
        file: The NetCDF file, relative to the folder.
        poster: Its picture, relative to the folder: one for both themes, or one each under "light" and "dark".
        study: "line" or "plane".
    """

    id: str
    title: str
    finding: str
    file: str
    poster: str | dict[str, str]
    study: str


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One shipped run: what it is called, and its folder relative to the index."""

    name: str
    folder: str


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `index.json`."""

    results: tuple[ResultRecord, ...] = ()
    runs: tuple[RunRecord, ...] = ()
    files: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class PretrainedResult:
    """A shipped result with its places on this machine.

    Attributes:
        id: Its name in addresses.
        title: What it shows.
        finding: One sentence that says what is to be seen.
        study: "line" or "plane".
        file: The NetCDF file.
        posters: Pictures of it under "light" and "dark".
    """

    id: str
    title: str
    finding: str
    study: str
    file: Path
    posters: dict[str, Path]


def pretrained_folder() -> Path:
    """The folder beside the package; it need not be there, e.g. in an installation without the repository."""
    return Path(__file__).parents[2] / "pretrained"


def load_index(folder: Path | None = None) -> Index:
    """The index, empty if there is none.

    Raises:
        ResultError: It cannot be read.
    """
    path = (folder or pretrained_folder()) / INDEX_FILE
    if not path.is_file():
        return Index()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Index)
    except (OSError, msgspec.MsgspecError) as error:
        raise ResultError(
            f"{path} cannot be read ({error}); write it again with `make pretrained`."
        ) from error


def pretrained_results(folder: Path | None = None) -> list[PretrainedResult]:
    """The shipped results in the order of the index.

    Raises:
        ResultError: The index cannot be read.
    """
    folder = folder or pretrained_folder()
    return [
        PretrainedResult(
            id=record.id,
            title=record.title,
            finding=record.finding,
            study=record.study,
            file=folder / record.file,
            posters={theme: folder / poster for theme, poster in _posters(record.poster).items()},
        )
        for record in load_index(folder).results
    ]


def pretrained_run_folders(folder: Path | None = None) -> list[Path]:
    """The folders of the shipped runs in the order of the index.

    Raises:
        ResultError: The index cannot be read.
    """
    folder = folder or pretrained_folder()
    return [folder / record.folder for record in load_index(folder).runs]


def save_index(index: Index, folder: Path) -> None:
    """Write the index with the SHA-256 of every file in the folder.

    Raises:
        StoreError: It cannot be written.
    """
    sealed = msgspec.structs.replace(index, files=_digests(folder))
    content = msgspec.json.format(msgspec.json.encode(sealed, order="sorted"), indent=1)
    write_bytes_atomically(folder / INDEX_FILE, content + b"\n")


def verify(folder: Path | None = None) -> list[str]:
    """One sentence per file that is missing, changed, or not in the index; empty if all is well.

    Raises:
        ResultError: The index cannot be read.
    """
    folder = folder or pretrained_folder()
    expected, found = load_index(folder).files, _digests(folder)
    problems = []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            problems.append(f"{folder / name} is missing; bring it back or run `make pretrained`.")
        elif name not in expected:
            problems.append(f"{folder / name} is not in the index; remove it or run `make pretrained`.")
        elif expected[name] != found[name]:
            problems.append(f"{folder / name} has been changed; bring it back or run `make pretrained`.")
    return problems


def _posters(poster: str | dict[str, str]) -> dict[str, str]:
    return {"light": poster, "dark": poster} if isinstance(poster, str) else poster


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path != folder / INDEX_FILE)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if not path.name.startswith(".")
    }

"""What Explore can show: the results that come with the app, and those in the working folder."""

import base64
from dataclasses import dataclass
from pathlib import Path

from landscape.service.home import Home
from landscape.service.pretrained import pretrained_results
from landscape.service.store import Store

_SHORT = 12  # hex digits of a key that name a result in an address; more would not be read by anyone


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One finished result.

    Attributes:
        id: Its name in addresses.
        title: What it shows; of unknown origin, to be escaped.
        finding: One sentence that says what is to be seen; empty for the reader's own.
        study: The study that it answers.
        path: Its NetCDF file.
        embedded: Whether it came with the app.
        posters: Pictures of it by theme ("light", "dark"), shown until the live figure stands.
        problem: One sentence if it cannot be read, else None.
    """

    id: str
    title: str
    finding: str
    study: str
    path: Path
    embedded: bool
    posters: dict[str, Path]
    problem: str | None = None


def list_exhibits(home: Home, *, shipped: Path) -> list[Exhibit]:
    """The results that came with the app, then the reader's own, newest first.

    Args:
        home: The working folder.
        shipped: The folder of what came with the app; it need not be there.

    Raises:
        ResultError: The index of what came with the app is damaged.
    """
    return [*_embedded(shipped), *_own(home)]


def find_exhibit(exhibits: list[Exhibit], name: str | None) -> Exhibit | None:
    """The exhibit that an address names, by id or by the whole key."""
    return next((exhibit for exhibit in exhibits if name and name.startswith(exhibit.id)), None)


def poster_url(exhibit: Exhibit, *, dark: bool) -> str | None:
    """The exhibit's poster as a data URL, or None if it has none for the theme."""
    path = exhibit.posters.get("dark" if dark else "light")
    if path is None or not path.is_file():
        return None
    return "data:image/webp;base64," + base64.b64encode(path.read_bytes()).decode()


def result_id(key: str) -> str:
    """The name of a stored result in addresses."""
    return key[:_SHORT]


def _embedded(folder: Path) -> list[Exhibit]:
    return [
        Exhibit(
            id=result.id,
            title=result.title,
            finding=result.finding,
            study=result.study,
            path=result.file,
            embedded=True,
            posters=result.posters,
        )
        for result in pretrained_results(folder)
    ]


def _own(home: Home) -> list[Exhibit]:
    return [
        Exhibit(
            id=result_id(stored.key),
            title=stored.title or f"{stored.study} {stored.key[:8]}",
            finding="",
            study=stored.study,
            path=stored.path,
            embedded=False,
            posters={},
            problem=stored.problem,
        )
        for stored in Store(home).list()
    ]

"""Where checkpoints and data sets with a given digest were found: one small file each."""

import json
from pathlib import Path

from landscape.core.data_references import exists, split_reference


def places_in(path: Path) -> list[str]:
    """The places noted in a file of the catalogue, the newest first; none if it cannot be read."""
    try:
        places = json.loads(path.read_bytes())["locations"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [place for place in places if isinstance(place, str)]


def may_exist(place: str) -> bool:
    """Whether a place may still hold what was found there; only for paths can be said that it does not."""
    path = Path(place)
    if not path.is_absolute():  # a name such as "digits"
        return True
    # A run's checkpoint is RUN_DIR@STEP.
    return (
        path.exists()
        or ("@" in path.name and path.with_name(path.name.rpartition("@")[0]).exists())
        or exists(split_reference(place)[0])
    )

"""What the results of synthetic.py are put together from."""

import json

import numpy as np

from landscape.core.requests import MEASURES
from landscape.core.results import UNITS, CheckpointRecord, Provenance, provenance_attribute

LABELS = ("snapshot@690", "snapshot@1380", "standard <b>@last</b> & $x$")
DIGESTS = ("a" * 64, "b" * 64, "c" * 64)


def digests(count: int) -> tuple[str, ...]:
    """Different digests, as many as asked for; the first ones are DIGESTS."""
    return (*DIGESTS, *(f"{number:064x}" for number in range(count)))[:count]


def provenance(request, labels, **changes) -> str:
    fields = {
        "request": json.loads(request.to_json()),
        "key": request.key,
        "command": f"python -m landscape {request.study} A B --points 51",
        "checkpoints": tuple(
            CheckpointRecord(label=label, digest=digest, architecture="convnet", step=690)
            for label, digest in zip(labels, digests(len(labels)), strict=True)
        ),
        "data": "digits",
        "data_digest": "d" * 64,
        "samples": {"train": 1437, "test": 360},
        "weight_decay": 1e-4,
        "strategy": "channels-last, batch 250",
        "device": "cpu",
        "seconds": 12.5,
        "versions": {"landscape": "0.1.0", "torch": "2.13.0"},
        "created": "2026-11-21T01:02:03+00:00",
    }
    return provenance_attribute(Provenance(**{**fields, **changes}))


def measures(nll: np.ndarray, dims: tuple[str, ...]) -> dict:
    # test differs from train and loss from nll, so that a mix-up shows
    nll = np.stack([nll, nll + 0.5])
    values = {"nll": nll, "loss": nll + 0.125, "error": nll / 100}
    return {name: (("split", *dims), values[name], {"units": UNITS[name]}) for name in MEASURES}


def twice(at_marks: dict) -> dict:
    return {
        f"{source}_{name}": (dims, values.copy(), attrs)
        for name, (dims, values, attrs) in at_marks.items()
        for source in ("own", "rebuilt")
    }

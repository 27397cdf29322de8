"""The table of studies: which function answers which request."""

from collections.abc import Callable

from landscape.studies.diversity import diversity
from landscape.studies.ensemble import ensemble
from landscape.studies.fan import fan
from landscape.studies.line import line
from landscape.studies.plane import plane
from landscape.studies.prediction_studies import Comparison
from landscape.studies.sweeps import Loaded, Sweep

# A study says what it needs: points on a grid, or the predictions of networks.
Study = Callable[[Loaded], Sweep | Comparison]

STUDIES: dict[str, Study] = {
    "line": line,
    "plane": plane,
    "fan": fan,
    "ensemble": ensemble,
    "diversity": diversity,
}

"""The table of studies: which function answers which request."""

from landscape.studies.line import line
from landscape.studies.plane import plane
from landscape.studies.sweeps import Study

STUDIES: dict[str, Study] = {"line": line, "plane": plane}

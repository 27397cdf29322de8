"""The questions of the Workbench, and what they are called; the names also stand in addresses."""

from typing import Literal

AboutCheckpoints = Literal["line", "plane", "fan", "ensemble", "diversity"]
Question = Literal[AboutCheckpoints, "train", "search"]

QUESTIONS: dict[Question, str] = {
    "line": "Line through two",
    "plane": "Plane through three",
    "fan": "Lines to the last snapshot",
    "ensemble": "Do they help each other?",
    "diversity": "Do they make different mistakes?",
    "train": "Train a run",
    "search": "Search for settings",
}

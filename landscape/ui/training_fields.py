"""The fields of a training request as widgets, in groups; a recipe shows those that it uses."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from landscape.core.request_base import default_of
from landscape.core.search_requests import SearchRequest
from landscape.core.training_requests import CONTINUATIONS, FAMILIES, Optimizer, Recipe, TrainingFields
from landscape.ui.choices import Choice
from landscape.ui.training_words import (
    AUGMENTATION_WORDS,
    LABELS,
    MOMENTUM_WORDS,
    OBJECTIVE_WORDS,
    OPTIMIZER_WORDS,
    PHASE_WORDS,
    PRECISION_WORDS,
    RECIPE_WORDS,
    SCHEDULE_WORDS,
    WITH_MOMENTUM,
    field_help,
    first_rate,
    uses,
)

# What a recipe alone asks for, in this order.
_OWN_FIELDS = (
    "start_epoch", "period", "growth", "high_rate", "low_rate", "average_decay", "layer_profile", "phase",
    "restart_momentum",
)  # fmt: skip
# What is taken where nothing is given.
_USUAL: dict[str, dict[Recipe, str]] = {
    "start_epoch": {"fge": "80% of all", "swa": "75% of all"},
    "period": {"sgdr": "up to four cycles that fit", "fge": "4", "swa": "1"},
    "high_rate": {"fge": "half the rate", "swa": "the lowest"},
    "low_rate": {"fge": "a tenth of the rate", "swa": "half the rate"},
}
_CHOICES: dict[str, Mapping[Any, str]] = {"phase": PHASE_WORDS, "restart_momentum": MOMENTUM_WORDS}
_STEPS = {"average_decay": 0.01, "layer_profile": 0.1}
_NETWORKS = 3  # ours: of `independent`, each of which costs a whole training


class TrainingFieldsForm:
    """Widgets for one recipe; `values` holds what they say, by field, as far as they have been shown.

    Args:
        kind: The request that is asked for.
        recipe: Whose fields to show.
        drawn: Fields that are not chosen here, such as those that a search draws.
    """

    def __init__(
        self, kind: type[TrainingFields], recipe: Recipe, *, drawn: frozenset[str] = frozenset()
    ) -> None:
        self.values: dict[str, Any] = {"recipe": recipe}
        self._kind = kind
        self._recipe: Recipe = recipe
        self._drawn = drawn
        self._help = field_help(kind)

    @property
    def starts_above(self) -> bool:
        """Whether the checkpoint to begin with is among what the recipe itself asks for."""
        return self._recipe in CONTINUATIONS

    def show_numbers(self, slot: DeltaGenerator, optimizer: Optimizer) -> None:
        """How long, how many, how fast, from which seed."""
        words = RECIPE_WORDS[self._recipe]
        with slot:
            columns = _endless(2)
            self._number("epochs", next(columns))
            if words.cycles:
                networks = _NETWORKS if self._recipe == "independent" else default_of(self._kind, "cycles")
                variant = f"{self._kind.__struct_config__.tag}_{self._recipe}"
                self._number("cycles", next(columns), label=words.cycles, first=networks, variant=variant)
            if "learning_rate" not in self._drawn:
                # Each optimiser has a rate of its own to begin with, so choosing one shows it.
                rate = first_rate(self._recipe, optimizer)
                variant = "layca" if self._recipe == "layca" else optimizer
                self._number("learning_rate", next(columns), first=rate, step=rate / 10, variant=variant)
            self._number("seed", next(columns), least=0)

    def show_recipe(self, slot: DeltaGenerator, choices: Sequence[Choice]) -> None:
        """What this recipe alone asks for."""
        with slot:
            if self.starts_above:
                self.show_start("Its own first phase", choices)
            names = [name for name in _OWN_FIELDS if uses(self._recipe, name)]
            if "start_from" in self.values:  # the second phase begins at once
                names.remove("start_epoch")
            columns = _endless(2)
            for name in names:
                self._show_own(name, next(columns))

    def show_schedule(self) -> None:
        """The shape of the rate and the warm-up in front of it."""
        columns = st.columns(2)
        schedule = self._choice("schedule", columns[0], SCHEDULE_WORDS)
        self._number("warmup", columns[1], least=0)
        if schedule in ("exponential", "inverse-time"):
            self._number("decay", columns[0], step=0.01)
        if schedule == "step":
            self._optional("drop_epochs", columns[0], "at 50% and 75%")
            self._number("drop_factor", columns[1], step=0.1)

    def show_optimizer(self) -> Optimizer:
        """The optimiser and what belongs to it; returns which."""
        columns = st.columns(2)
        optimizer = self._choice("optimizer", columns[0], OPTIMIZER_WORDS)
        if optimizer != "lbfgs":
            self._number("batch_size", columns[1])
        if optimizer in WITH_MOMENTUM and "momentum" not in self._drawn:
            self._number("momentum", columns[0], step=0.05)
        if optimizer == "sam":
            self._number("sam_radius", columns[0], step=0.01)
        if "weight_decay" not in self._drawn:
            # Layca keeps every norm, so a penalty on it has no effect but a number in the loss.
            turned = self._recipe == "layca"
            self._number(
                "weight_decay",
                columns[1],
                first=0.0 if turned else None,
                step=1e-4,
                variant="layca" if turned else "",
            )
        self._choice("precision", columns[0], PRECISION_WORDS)
        return optimizer

    def show_objective(self, choices: Sequence[Choice]) -> None:
        """What is minimised, and teachers to distil from."""
        columns = st.columns(2)
        self._choice("objective", columns[0], OBJECTIVE_WORDS)
        if "label_smoothing" not in self._drawn:
            self._number("label_smoothing", columns[1], step=0.05)
        if "mixup" not in self._drawn:
            self._number("mixup", columns[0], step=0.1)
        by_name = {choice.name: choice for choice in choices if choice.entry.problem is None}
        named = st.multiselect(
            LABELS["teachers"],
            list(by_name),
            key="teachers",
            help=self._help.get("teachers"),
            placeholder="No distillation",
            persist_state="session",
        )
        if named:
            self.values["teachers"] = [by_name[name].entry.reference for name in named]
            self._number("temperature", columns[1], step=0.5)

    def show_augmentation(self, slot: DeltaGenerator) -> None:
        """What is done to the images of a batch."""
        self._choice("augmentation", slot, AUGMENTATION_WORDS)

    def show_start(self, otherwise: str, choices: Sequence[Choice]) -> None:
        """The checkpoint to begin with; nothing for recipes that begin several times."""
        if self._recipe in FAMILIES or self._kind is SearchRequest:
            return
        by_name = {choice.name: choice for choice in choices if choice.entry.problem is None}
        named = st.selectbox(
            LABELS["start_from"],
            list(by_name),
            index=None,
            placeholder=otherwise,
            key="start_from",
            help=self._help.get("start_from"),
            persist_state="session",
        )
        if named is not None:
            self.values["start_from"] = by_name[named].entry.reference

    def show_number(
        self, name: str, slot: DeltaGenerator, *, step: float | None = None, least: int = 1
    ) -> None:
        """A number whose first value is the request's default.

        Args:
            name: The field.
            slot: Where it goes.
            step: By how much the buttons change it; None for 1.
            least: Smallest value of a whole number.
        """
        self._number(name, slot, step=step, least=least)

    def _number(
        self,
        name: str,
        slot: DeltaGenerator,
        *,
        label: str | None = None,
        first: float | None = None,
        step: float | None = None,
        least: int = 1,
        variant: str = "",
    ) -> None:
        value = default_of(self._kind, name) if first is None else first
        whole = isinstance(value, int)
        self.values[name] = slot.number_input(
            label or LABELS[name],
            value=value,
            min_value=least if whole else None,
            step=1 if whole else step,
            format=None if whole else "%g",
            key=f"{name}_{variant}" if variant else name,
            help=self._help.get(name),
            persist_state="session",
        )

    def _show_own(self, name: str, slot: DeltaGenerator) -> None:
        if name in _USUAL:
            self._optional(name, slot, _USUAL[name][self._recipe])
        elif name in _CHOICES:
            self._choice(name, slot, _CHOICES[name])
        else:
            self._number(name, slot, step=_STEPS.get(name))

    def _optional(self, name: str, slot: DeltaGenerator, otherwise: str) -> None:
        """A number that may be left out."""
        rate = name.endswith("_rate")
        self.values[name] = slot.number_input(
            LABELS[name],
            value=None,
            min_value=None if rate else 0 if name == "start_epoch" else 1,
            step=0.01 if rate else 1,
            format="%g" if rate else None,
            key=f"{name}_{self._recipe}",
            help=self._help.get(name),
            placeholder=otherwise,
            persist_state="session",
        )

    def _choice(self, name: str, slot: DeltaGenerator, words: Mapping[Any, str]) -> Any:
        options = list(words)
        self.values[name] = slot.selectbox(
            LABELS[name],
            options,
            index=options.index(default_of(self._kind, name)),
            format_func=words.__getitem__,
            key=name,
            help=self._help.get(name),
            persist_state="session",
        )
        return self.values[name]


def _endless(count: int) -> Iterator[DeltaGenerator]:
    """Columns from left to right, row after row; made when their turn comes."""
    while True:
        yield from st.columns(count)

"""The form of a training run, and of a search for its settings."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from landscape.core.errors import LandscapeError, RequestError
from landscape.core.requests import AnyRequest, SearchRequest, TrainRequest
from landscape.core.training_requests import FAMILIES, Recipe
from landscape.ui.choices import name_choices
from landscape.ui.controls import segments
from landscape.ui.fields import request_from_fields
from landscape.ui.plan_view import show_plan
from landscape.ui.search_fields import drawn_fields, show_ranges, show_stages
from landscape.ui.state import all_checkpoints
from landscape.ui.text import plain
from landscape.ui.training_fields import TrainingFieldsForm
from landscape.ui.training_words import RECIPE_WORDS

# Offered, not required: any name of the registries and any path can be typed. A test compares them with the registries,
# which this process cannot ask, since they load torch.
DATA = ("digits", "MNIST", "FashionMNIST", "CIFAR10", "CIFAR100", "SVHN")
ARCHITECTURES = (
    "convnet",
    "mlp",
    "vgg16",
    "resnet20",
    "resnet20-conv",
    "resnet20-noshort",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
)


def show_train_form() -> AnyRequest | None:
    """Show the form; returns the request once the reader presses Train."""
    where = _network()
    form = TrainingFieldsForm(TrainRequest, _recipe(tuple(RECIPE_WORDS), key="recipe"))
    plan = st.container(key="plan")
    _show_groups(form, where)
    request = _request("train", {**form.values, **where})
    if not isinstance(request, TrainRequest):
        return None
    try:
        with plan:
            show_plan(request)
    except LandscapeError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return request if st.button("Train", type="primary", icon=":material/play_arrow:", key="train") else None


def show_search_form() -> AnyRequest | None:
    """Show the form; returns the request once the reader presses Search."""
    where = _network()
    recipes: list[Recipe] = [recipe for recipe in RECIPE_WORDS if recipe not in FAMILIES]
    recipes.sort(key=SearchRequest().recipe.__ne__)  # the default first
    recipe = _recipe(tuple(recipes), key="search_recipe")
    ranges = show_ranges(recipe)
    form = TrainingFieldsForm(SearchRequest, recipe, drawn=drawn_fields(ranges))
    stages = show_stages(form)
    _show_groups(form, where)
    if stages is None:
        return None  # the error above says so
    request = _request("search", {**form.values, **where, **ranges, "stages": stages})
    if request is None:
        return None
    return request if st.button("Search", type="primary", icon=":material/search:", key="search") else None


def _network() -> dict[str, Any]:
    columns = st.columns(2)
    data = columns[0].selectbox(
        "Data",
        DATA,
        accept_new_options=True,
        key="train_data",
        persist_state="session",
        help="A name, or the path of a folder, a .zip, .tar.gz or .npz file on this machine. Data are never downloaded "
        "from here.",
    )
    architecture = columns[1].selectbox(
        "Architecture",
        ARCHITECTURES,
        accept_new_options=True,
        key="train_architecture",
        persist_state="session",
    )
    return {"data": data or "", "architecture": architecture or ""}


def _recipe(recipes: tuple[Recipe, ...], *, key: str) -> Recipe:
    names: dict[Recipe, str] = {recipe: RECIPE_WORDS[recipe].name for recipe in recipes}
    recipe = segments("Recipe", recipes, key=key, names=names)
    words = RECIPE_WORDS[recipe]
    st.caption(f"{words.sentence} *({words.paper})*")
    return recipe


def _show_groups(form: TrainingFieldsForm, where: dict[str, Any]) -> None:
    """The fields of a run. What is most often changed stands in the open, the rest is folded."""
    choices = name_choices(all_checkpoints())
    numbers, own = st.container(), st.container()
    with st.expander("Optimiser", icon=":material/speed:"):
        optimizer = form.show_optimizer()
    form.show_numbers(numbers, optimizer)
    form.show_recipe(own, choices)
    with st.expander("Shape of the rate, warm-up", icon=":material/show_chart:"):
        form.show_schedule()
    with st.expander("Objective: smoothing, mixup, distillation", icon=":material/target:"):
        form.show_objective(choices)
    with st.expander("Data: label noise, augmentation, start", icon=":material/database:"):
        columns = st.columns(2)
        noise = columns[0].number_input(
            "Label noise",
            value=0.0,
            min_value=0.0,
            max_value=1.0,
            step=0.1,
            format="%g",
            key="label_noise",
            persist_state="session",
            help="Share of the training labels that are given another class, so that there is something to overfit. "
            "The test labels stay as they are.",
        )
        form.show_augmentation(columns[1])
        if not form.starts_above:
            form.show_start("A random start", choices)
    if noise:
        where["data"] = f"{where['data']}:noise={noise:g}"


def _request(study: str, values: Mapping[str, Any]) -> AnyRequest | None:
    try:
        return request_from_fields(study, values)
    except RequestError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None

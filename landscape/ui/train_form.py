"""The form of a training run."""

from typing import get_args

import streamlit as st

from landscape.core.errors import RequestError
from landscape.core.requests import AnyRequest, Augmentation, Momentum, Phase, Recipe, TrainRequest
from landscape.ui.controls import segments
from landscape.ui.fields import request_from_fields
from landscape.ui.text import plain

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
_RECIPES: dict[Recipe, str] = {
    "snapshot": "Snapshot: cosine restarts, one checkpoint per cycle",
    "standard": "Standard: the rate falls to a tenth at 50% and 75%",
}


def show_train_form() -> AnyRequest | None:
    """Show the form; returns the request once the reader presses Train."""
    default = TrainRequest()
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
    recipe = segments(
        "Recipe", tuple(_RECIPES), key="recipe", names={"snapshot": "Snapshot", "standard": "Standard"}
    )
    st.caption(f"{_RECIPES[recipe]}.")
    columns = st.columns(3)
    values: dict[str, object] = {
        "data": data or "",
        "architecture": architecture or "",
        "recipe": recipe,
        "cycles": columns[0].number_input(
            "Checkpoints kept", value=default.cycles, min_value=1, step=1, key="cycles"
        ),
        "epochs": columns[1].number_input("Epochs", value=default.epochs, min_value=1, step=1, key="epochs"),
        "seed": columns[2].number_input("Seed", value=0, min_value=0, step=1, key="seed"),
    }
    with st.expander("Advanced", icon=":material/tune:"):
        values |= _advanced(default, recipe)
    try:
        request = request_from_fields("train", values)
    except RequestError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return request if st.button("Train", type="primary", icon=":material/play_arrow:", key="train") else None


def _advanced(default: TrainRequest, recipe: Recipe) -> dict[str, object]:
    columns = st.columns(2)
    values: dict[str, object] = {
        "learning_rate": columns[0].number_input(
            "Highest learning rate", value=default.learning_rate, step=0.01, format="%g", key="learning_rate"
        ),
        "momentum": columns[1].number_input(
            "Momentum", value=default.momentum, step=0.05, format="%g", key="momentum"
        ),
        "weight_decay": columns[0].number_input(
            "Weight decay", value=default.weight_decay, step=1e-4, format="%g", key="weight_decay"
        ),
        "batch_size": columns[1].number_input(
            "Batch size", value=default.batch_size, min_value=1, step=1, key="batch_size"
        ),
        "augmentation": st.selectbox("Augmentation", get_args(Augmentation), key="augmentation"),
    }
    if recipe == "snapshot":
        values["phase"] = st.selectbox("Phase of the cosine", get_args(Phase), key="phase")
        values["restart_momentum"] = st.selectbox(
            "Momentum at a restart", get_args(Momentum), key="restart_momentum"
        )
    return values

"""What others build on: names, options, keys. Changing a line here is a change for users: say so in the changelog."""

import click
import pytest

import landscape
from landscape.commands.main import main
from landscape.core.requests import STUDIES as REQUESTS
from landscape.core.requests import EvaluationRequest, LineRequest, PlaneRequest, Request, TrainRequest
from landscape.core.results import SCHEMAS
from landscape.figures.screen import draw
from landscape.figures.style import VIEWS, FigureStyle
from landscape.studies.table import STUDIES
from tests.figures.synthetic import line_result, plane_result

PUBLIC_NAMES = [
    "Checkpoint",
    "CheckpointMetadata",
    "Data",
    "Examples",
    "LandscapeError",
    "LineRequest",
    "PlaneRequest",
    "Run",
    "Task",
    "TrainRequest",
    "__version__",
    "compute",
    "draw",
    "load_checkpoint",
    "load_data",
    "load_result",
    "save_figure",
    "save_result",
]

_EVALUATION = "--data --batch-norm --weight-decay --train-samples --test-samples --sample-seed"
_WORK = "--device --download --home"
VERBS = {
    "app": "--port --home --no-browser",
    "demo": "--out --epochs --resolution",
    "figure": (
        "RESULT.nc --out --measure --split --view --scale --clip --floor --dark --colors --title --width"
    ),
    "line": f"A B {_EVALUATION} --points --range --out {_WORK}",
    "plane": f"A B C {_EVALUATION} --margin --resolution --out {_WORK}",
    "pretrained": "--out",
    "train": (
        "--data --architecture --recipe --cycles --epochs --learning-rate --momentum --weight-decay --batch-size "
        f"--seed --phase --restart-momentum --augmentation --out {_WORK}"
    ),
}

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
KEYS: list[tuple[Request, str]] = [
    (TrainRequest(), "2597901bc3089e14fd3b597cb68db05dc94f7071f44f592dfa6f96355e7f8593"),
    (
        TrainRequest(
            data="CIFAR10", architecture="resnet20", recipe="standard", cycles=3, epochs=30, seed=7,
            augmentation="crop-flip",
        ),
        "2a5376cf4830e3b07c849f542cdcb35ad98619ae45dea80c7e8f2f21b565305e",
    ),
    (
        LineRequest(checkpoints=(A, B)),
        "5d8f41d66c6d770e6175045f746d596c302e9b16249b0a575b89ce2503f8b3e6",
    ),
    (
        LineRequest(
            checkpoints=(A, B), data=D, points=51, start=-0.5, stop=1.5, batch_norm="stored", weight_decay=1e-4,
            train_samples=500,
        ),
        "5e6690bff4de42869636be8b1bdda78d80735c0668ee221d360ff4b35cb4262b",
    ),
    (
        PlaneRequest(checkpoints=(A, B, C)),
        "d372c136195adaceff980970fc0ed3eab28aab7483b62ca3cb6d4eb3fdc2bcfb",
    ),
    (
        PlaneRequest(checkpoints=(A, B, C), columns=61, rows=41, margin=0.3, batch_norm="interpolate"),
        "3d78027ab714ddc90fbe8a15657380c15a7ef9279c84b2d76ba8e8d3a50fb5fa",
    ),
]  # fmt: skip


def test_the_public_names_are_these():
    assert landscape.__all__ == PUBLIC_NAMES == dir(landscape)


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_each_public_name_is_there_and_described(name):
    value = getattr(landscape, name)
    assert value is not None
    assert isinstance(value, str) or value.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'landscape' has no attribute 'landscapes'"):
        _ = landscape.landscapes


def test_the_verbs_and_their_options_are_these():
    found = {}
    for name, command in main.commands.items():
        arguments = [row.metavar or row.name for row in command.params if isinstance(row, click.Argument)]
        options = [row.opts[0] for row in command.params if isinstance(row, click.Option)]
        found[name] = " ".join([*map(str, arguments), *options])
    assert found == VERBS


def test_every_option_is_explained():
    for command in main.commands.values():
        for row in command.params:
            if isinstance(row, click.Option):
                assert row.help, f"{command.name} {row.opts[0]}"


@pytest.mark.parametrize(("request_", "key"), KEYS)
def test_the_keys_of_fixed_requests_stay_the_same(request_, key):
    assert request_.key == key


def evaluation_requests() -> set[type[Request]]:
    return {kind for kind in _descendants(EvaluationRequest) if kind.__struct_config__.tag is not None}


def _descendants(kind: type[Request]) -> set[type[Request]]:
    return {kind, *(found for child in kind.__subclasses__() for found in _descendants(child))} - {
        EvaluationRequest
    }


def test_every_request_has_a_verb_a_study_a_schema_and_a_figure():
    assert set(REQUESTS.values()) == evaluation_requests() | {TrainRequest}
    evaluated = {name for name, kind in REQUESTS.items() if kind is not TrainRequest}
    assert set(STUDIES) == set(SCHEMAS) == evaluated
    assert set(REQUESTS) <= set(main.commands)
    examples = {"line": line_result(), "plane": plane_result()}
    assert set(examples) == evaluated
    for result in examples.values():
        for view in VIEWS:
            assert draw(result, FigureStyle(view=view)).data

"""What others build on: names, options, keys. Changing a line here is a change for users: say so in the changelog."""

import click
import pytest

import landscape
from landscape.commands.main import main
from landscape.core.requests import STUDIES as REQUESTS
from landscape.core.requests import (
    DiversityRequest,
    EnsembleRequest,
    EvaluationRequest,
    FanRequest,
    LineRequest,
    PlaneRequest,
    Request,
    SearchRequest,
    TrainRequest,
)
from landscape.core.results import SCHEMAS
from landscape.figures.screen import draw
from landscape.figures.style import VIEWS, FigureStyle
from landscape.studies.table import STUDIES
from tests.figures.synthetic import (
    diversity_result,
    ensemble_result,
    fan_result,
    line_result,
    plane_result,
    search_result,
)

PUBLIC_NAMES = [
    "Checkpoint",
    "CheckpointMetadata",
    "Data",
    "DiversityRequest",
    "EnsembleRequest",
    "Examples",
    "FanRequest",
    "LandscapeError",
    "LineRequest",
    "PlaneRequest",
    "Run",
    "SearchRequest",
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

_SAMPLE = "--train-samples --test-samples --sample-seed"
_EVALUATION = f"--data --batch-norm --weight-decay {_SAMPLE}"
_WORK = "--device --download --home"
_GROUPS = "RUN_DIR|NAME=A,B,..."
_TRAINING = (
    "--data --architecture --recipe --cycles --epochs --learning-rate --schedule --warmup --decay --drop-epochs "
    "--drop-factor --optimizer --momentum --sam-radius --weight-decay --objective --label-smoothing --mixup --teachers "
    "--temperature --batch-size --seed --phase --restart-momentum --period --growth --start-from --start-epoch "
    "--high-rate --low-rate --average-decay --layer-profile --augmentation --precision"
)
_STYLE = (
    "--measure --split --view --scale --clip --floor --quality --order --matrix --variant --pairs --ranges --columns "
    "--dark --colors --title --width"
)
VERBS = {
    "app": "--port --home --no-browser",
    "demo": "--out --epochs --resolution",
    "diversity": f"{_GROUPS} --data --batch-norm {_SAMPLE} --out {_WORK}",
    "ensemble": f"{_GROUPS} --data --batch-norm {_SAMPLE} --bins --out {_WORK}",
    "fan": f"{_GROUPS} {_EVALUATION} --points --range --out {_WORK}",
    "figure": f"RESULT.nc --out {_STYLE}",
    "line": f"A B {_EVALUATION} --points --range --out {_WORK}",
    "plane": f"A B C {_EVALUATION} --margin --resolution --out {_WORK}",
    "pretrained": "--out",
    "search": (
        f"{_TRAINING} --trials --stages --keep --best --validation --learning-rates --weight-decays --momenta "
        f"--label-smoothings --mixups --out {_WORK}"
    ),
    "train": f"{_TRAINING} --out {_WORK}",
}

A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
KEYS: list[tuple[Request, str]] = [
    (TrainRequest(), "a76affbe8f6aeb586b490e02c9884ddc41a6dddf53492b2b14b02f2059ba4244"),
    (
        TrainRequest(
            data="CIFAR10", architecture="resnet20", recipe="standard", cycles=3, epochs=30, seed=7,
            augmentation="crop-flip",
        ),
        "685d824812c0886589f97bca8b7c76357722ff049cc7320cf04a6823694fc11e",
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
    (SearchRequest(), "72f555f905faa3e0440356dd6bc024ad25b61564d58dec35ae930b3a9060bded"),
    (
        FanRequest(checkpoints=(A, B, C), groups=("x", "x", "x")),
        "52b02e04939fdbaeb5a5ca553fba7fc7afa15716eb98f7f6765d9d3ca3cb1011",
    ),
    (
        EnsembleRequest(checkpoints=(A, B)),
        "2e25833bed7ee8e2dedd38ed4b05fccdbb775e76adba8121b8d17462571e9902",
    ),
    (
        DiversityRequest(checkpoints=(A, B, C, D), groups=("x", "x", "y", "y")),
        "3f2ca64a86d0f1972d8b892ae84b014fad75755b1254ff3b7f1048698bfe24db",
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
    """The classes at the ends: those between them are only what several studies share."""

    def ends(kind: type[Request]) -> set[type[Request]]:
        below = kind.__subclasses__()
        return {end for child in below for end in ends(child)} if below else {kind}

    return ends(EvaluationRequest)


def test_every_request_has_a_verb_a_study_a_schema_and_a_figure():
    assert set(REQUESTS.values()) == evaluation_requests() | {TrainRequest, SearchRequest}
    evaluated = {name for name, kind in REQUESTS.items() if kind in evaluation_requests()}
    assert set(STUDIES) == evaluated
    assert set(SCHEMAS) == evaluated | {"search"}
    assert set(REQUESTS) <= set(main.commands)
    examples = {
        "line": line_result(),
        "plane": plane_result(),
        "fan": fan_result(),
        "ensemble": ensemble_result(),
        "diversity": diversity_result(),
        "search": search_result(),
    }
    assert set(examples) == set(SCHEMAS)
    for result in examples.values():
        for view in VIEWS:
            assert draw(result, FigureStyle(view=view)).data

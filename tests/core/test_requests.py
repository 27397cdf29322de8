import pytest

from landscape.core.errors import RequestError, unknown_name
from landscape.core.requests import (
    DiversityRequest,
    EnsembleRequest,
    FanRequest,
    LineRequest,
    PlaneRequest,
    TrainRequest,
    request_from_json,
)

LINE = LineRequest(checkpoints=("a", "b"), points=7, start=-0.25, stop=1.5)


@pytest.mark.parametrize(
    "request_", [LINE, PlaneRequest(checkpoints=("a", "b", "c"), rows=3), TrainRequest(seed=4)]
)
def test_json_and_back_is_the_same_request_with_the_same_key(request_):
    again = request_from_json(request_.to_json())
    assert again == request_
    assert hash(again) == hash(request_)
    assert again.key == request_.key


def test_every_field_changes_the_key():
    changes = {
        "points": 8,
        "start": 0.0,
        "stop": 2.0,
        "batch_norm": "stored",
        "data": "digits",
        "sample_seed": 1,
    }
    keys = {LINE.key}
    for name, value in changes.items():
        fields = {field: getattr(LINE, field) for field in LINE.__struct_fields__}
        keys.add(LineRequest(**(fields | {name: value})).key)
    assert len(keys) == len(changes) + 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"points": 1}, r"The line has 1 points; give at least 2"),
        (
            {"start": 1.0, "stop": 0.5},
            r"The range 1:0\.5 is empty or reversed; give the smaller number first",
        ),
        ({"start": float("nan")}, r"The range nan:1 is empty or reversed"),
        ({"checkpoints": ("a",)}, r"A line needs 2 checkpoints; 1 given"),
        (
            {"batch_norm": "recalibrated"},
            r"no batch-norm policy named 'recalibrated'; did you mean 'recalibrate'\?",
        ),
        ({"weight_decay": -1.0}, r"The weight decay is -1\.0; give a number of at least 0"),
        ({"train_samples": 0}, r"train_samples is 0; give a whole number of at least 1, or leave it out"),
    ],
)
def test_impossible_lines_are_refused(fields, message):
    with pytest.raises(RequestError, match=message):
        LineRequest(**({"checkpoints": ("a", "b")} | fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": 1}, r"The resolution is 1 x 41 \(columns x rows\); give at least 2 along each axis"),
        ({"margin": -0.1}, r"The margin is -0\.1; give a fraction of at least 0"),
        ({"checkpoints": ("a", "b")}, r"A plane needs 3 checkpoints; 2 given"),
    ],
)
def test_impossible_planes_are_refused(fields, message):
    with pytest.raises(RequestError, match=message):
        PlaneRequest(**({"checkpoints": ("a", "b", "c")} | fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 0}, r"epochs is 0; give a whole number of at least 1"),
        ({"learning_rate": -0.1}, r"The learning rate is -0\.1; give a positive number"),
        ({"learning_rate": float("inf")}, r"The learning rate is inf"),
        ({"momentum": 1.0}, r"The momentum is 1\.0; give a number in \[0, 1\)"),
        ({"recipe": "snapshots"}, r"no recipe named 'snapshots'; did you mean 'snapshot'\?"),
        ({"phase": "x"}, r"There is no phase named 'x'; choose one of: paper, reference"),
    ],
)
def test_impossible_runs_are_refused(fields, message):
    with pytest.raises(RequestError, match=message):
        TrainRequest(**fields)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"The request cannot be read"),
        ('{"study":"volume"}', r"The request cannot be read: Invalid value 'volume'"),
        ('{"study":"line","checkpoints":["a","b"],"point":3}', r"unknown field `point`"),
        ('{"study":"line","checkpoints":["a","b"],"points":1}', r"The line has 1 points"),
    ],
)
def test_unreadable_requests_say_why(text, message):
    with pytest.raises(RequestError, match=message):
        request_from_json(text)


def test_unknown_names_suggest_the_nearest():
    assert unknown_name("fruit", "appel", ["pear", "apple"]) == (
        "There is no fruit named 'appel'; did you mean 'apple'? Choose one of: apple, pear."
    )
    assert "did you mean" not in unknown_name("fruit", "zzz", ["pear", "apple"])


def test_whole_and_decimal_spellings_of_a_number_are_the_same_request():
    whole = LineRequest(checkpoints=("a", "b"), start=-1, stop=2, weight_decay=0)
    decimal = LineRequest(checkpoints=("a", "b"), start=-1.0, stop=2.0, weight_decay=0.0)
    assert whole.key == decimal.key == request_from_json(whole.to_json()).key


def test_a_value_of_another_type_has_no_key():
    with pytest.raises(
        RequestError, match=r"Expected `int`, got `float` - at `\$.points`. Give a value of that"
    ):
        _ = LineRequest(checkpoints=("a", "b"), points=2.5).key  # pyright: ignore[reportArgumentType]


# Groups of checkpoints --------------------------------------------------------------------------------------------


def test_groups_list_the_places_of_their_members():
    request = EnsembleRequest(checkpoints=("a", "b", "c"), groups=("x", "x", "y"))
    assert request.members == {"x": (0, 1), "y": (2,)}
    assert EnsembleRequest(checkpoints=("a", "b")).members == {"": (0, 1)}


@pytest.mark.parametrize("kind", [EnsembleRequest, DiversityRequest, FanRequest])
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"checkpoints": ()}, "needs checkpoints, and none is given"),
        ({"checkpoints": ("a", "b"), "groups": ("x",)}, "2 checkpoints and 1 group names are given"),
        ({"checkpoints": ("a", "b", "c"), "groups": ("x", "y", "x")}, "group 'x' do not stand together"),
    ],
)
def test_impossible_groups_are_refused_with_a_sentence(kind, fields, message):
    with pytest.raises(RequestError, match=message):
        kind(**fields)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: FanRequest(checkpoints=("a", "b", "c"), groups=("x", "x", "y")),
            "A fan of lines needs at least 2 checkpoints in each group; y has 1",
        ),
        (lambda: FanRequest(checkpoints=("a", "b"), points=1), "The line has 1 points; give at least 2"),
        (
            lambda: DiversityRequest(checkpoints=("a",)),
            "A comparison of predictions needs at least 2 checkpoints",
        ),
        (
            lambda: EnsembleRequest(checkpoints=("a",), batch_norm="interpolate"),
            "interpolate has no meaning for single checkpoints; choose stored or recalibrate",
        ),
        (
            lambda: DiversityRequest(checkpoints=("a", "b"), batch_norm="interpolate"),
            "interpolate has no meaning for single checkpoints",
        ),
        (lambda: EnsembleRequest(checkpoints=("a",), bins=0), "bins is 0; give a whole number of at least 1"),
    ],
)
def test_impossible_group_studies_are_refused_with_a_sentence(make, message):
    with pytest.raises(RequestError, match=message):
        make()


def test_groups_come_back_from_json():
    request = FanRequest(checkpoints=("a", "b", "c", "d"), groups=("x", "x", "y", "y"), points=7)
    assert request_from_json(request.to_json()) == request

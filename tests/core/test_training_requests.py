import pytest

from landscape.core.errors import RequestError
from landscape.core.request_base import default_of
from landscape.core.requests import SearchRequest, TrainRequest, request_from_json
from landscape.core.search_requests import RANGES
from landscape.core.training_requests import RECIPES, USED_BY


@pytest.mark.parametrize("kind", [TrainRequest, SearchRequest])
@pytest.mark.parametrize("recipe", [r for r in RECIPES if r not in ("single-cycle", "independent")])
def test_every_recipe_comes_back_from_json(kind, recipe):
    request = kind(recipe=recipe, seed=3)
    assert request_from_json(request.to_json()) == request


def test_a_search_is_no_training_run():
    assert not isinstance(SearchRequest(), TrainRequest)
    assert SearchRequest().study == "search"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"recipe": "snapshoot"}, "There is no recipe named 'snapshoot'; did you mean 'snapshot'"),
        ({"schedule": "cosin"}, "There is no schedule named 'cosin'; did you mean 'cosine'"),
        ({"optimizer": "adamx"}, "There is no optimizer named 'adamx'; did you mean 'adam"),
        ({"objective": "mse"}, "There is no objective named 'mse'"),
        ({"precision": "float16"}, "There is no precision named 'float16'; did you mean 'bfloat16'"),
        ({"phase": "papers"}, "There is no phase named 'papers'; did you mean 'paper'"),
        ({"restart_momentum": "rest"}, "There is no restart_momentum named 'rest'; did you mean 'reset'"),
        ({"augmentation": "flip"}, "There is no augmentation named 'flip'"),
        ({"recipe": "fge", "period": 3}, "The period of FGE is 3 epochs; give an even number"),
        (
            {"recipe": "fge", "start_epoch": 60},
            "start_epoch is 60, but the run has 60 epochs; .* the collection begins",
        ),
        ({"recipe": "swa", "start_epoch": 75}, "start_epoch is 75, .* averaging begins before the end"),
        ({"recipe": "swa", "start_epoch": -1}, "start_epoch is -1"),
        ({"recipe": "fge", "start_epoch": 4, "start_from": "x"}, "Both start_from and start_epoch are given"),
        ({"recipe": "fge", "high_rate": -0.1}, "The high rate is -0.1; give a positive number"),
        ({"recipe": "swa", "low_rate": 0.0}, "The low rate is 0.0; give a positive number"),
        ({"learning_rate": -0.1}, "The learning rate is -0.1; give a positive number"),
        ({"learning_rate": float("nan")}, "The learning rate is nan"),
        ({"schedule": "exponential", "decay": -1.0}, "The decay is -1.0; give a number of at least 0"),
        ({"schedule": "step", "drop_factor": 1.5}, "The drop_factor is 1.5; give a number in"),
        ({"schedule": "step", "drop_epochs": 0}, "drop_epochs is 0; give a whole number of at least 1"),
        ({"schedule": "cosine", "decay": 0.5}, "decay is 0.5, but the schedule cosine does not use it"),
        (
            {"schedule": "cosine", "drop_epochs": 5},
            "drop_epochs is 5, but the schedule cosine does not use it",
        ),
        ({"warmup": 61}, "The warm-up of 61 epochs does not fit into 60 epochs"),
        ({"momentum": 1.0}, "The momentum is 1.0; give a number in"),
        ({"weight_decay": -1e-4}, "The weight decay is -0.0001; give a number of at least 0"),
        ({"optimizer": "sam", "sam_radius": 0.0}, "The sam_radius is 0.0; give a positive number"),
        ({"optimizer": "lbfgs", "augmentation": "crop-flip"}, "L-BFGS looks at one function many times"),
        ({"optimizer": "lbfgs", "mixup": 1.0}, "L-BFGS looks at one function many times"),
        ({"recipe": "ema", "average_decay": 1.01}, "The average_decay is 1.01; give a number in"),
        (
            {"recipe": "layca", "layer_profile": 1.0},
            "The layer_profile is 1.0; give a number between -1 and 1",
        ),
        ({"label_smoothing": 1.0}, "The label_smoothing is 1.0; give a number in"),
        ({"mixup": -1.0}, "The mixup is -1.0; give a number of at least 0"),
        ({"temperature": 0.0, "teachers": ("x",)}, "The temperature is 0.0; give a positive number"),
        ({"recipe": "sgdr", "growth": 0}, "growth is 0; give a whole number of at least 1"),
        (
            {"recipe": "sgdr", "cycles": 3},
            "cycles is 3, but the recipe sgdr does not use it .it is for standard, snapshot",
        ),
        ({"optimizer": "adam", "momentum": 0.5}, "momentum is 0.5, but the optimizer adam does not use it"),
        (
            {"sam_radius": 0.1},
            "sam_radius is 0.1, but the optimizer nesterov does not use it .it is for sam.",
        ),
        ({"temperature": 2.0}, "temperature is 2.0, but there are no teachers; leave it out"),
        (
            {"recipe": "layca", "weight_decay": 0.01},
            "weight_decay is 0.01, but layca keeps the norms of all layers",
        ),
        (
            {"recipe": "fge", "start_from": "x", "warmup": 2},
            "warmup is 2, but fge from a checkpoint has no first",
        ),
        (
            {"recipe": "snapshot", "schedule": "step", "phase": "reference"},
            "phase is reference, but the schedule step",
        ),
        (
            {"recipe": "snapshot", "drop_epochs": 5},
            "drop_epochs is 5, but the schedule cosine does not use it",
        ),
        ({"epochs": "6"}, "epochs is '6'; give a whole number"),
        ({"epochs": 2.5}, "epochs is 2.5; give a whole number"),
        ({"learning_rate": "0.1"}, "learning_rate is '0.1'; give a number"),
        (
            {"recipe": "single-cycle", "epochs": 18, "warmup": 5},
            "warm-up of 5 epochs does not fit into 3 epochs",
        ),
        (
            {"recipe": "independent", "start_from": "x"},
            "start_from is x, but the recipe independent does not use it",
        ),
    ],
)
def test_impossible_trainings_are_refused_with_a_sentence(fields, message):
    with pytest.raises(RequestError, match=message):
        TrainRequest(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"recipe": "independent"},
            "A search tries single networks, and the recipe independent trains several",
        ),
        ({"trials": 0}, "trials is 0; give a whole number of at least 1"),
        ({"keep": 1}, "keep is 1; give at least 2"),
        ({"stages": (5, 1)}, "The stages have 5, 1, 60 epochs; give increasing numbers"),
        ({"stages": (1, 60)}, "The stages have 1, 60, 60 epochs"),
        ({"validation": 1.0}, "The validation share is 1.0; give a number between 0 and 1"),
        (
            {"learning_rates": (0.0, 1.0)},
            "The range 0:1 of the learning rate cannot be searched; .* positive",
        ),
        ({"weight_decays": (1e-2, 1e-4)}, "The range 0.01:0.0001 of the weight decay cannot be searched"),
        ({"momenta": (-0.5, 0.9)}, "The range -0.5:0.9 of the momentum cannot be searched; .* of at least 0"),
        ({"mixups": (0.0, float("inf"))}, "The range 0:inf of the mixup cannot be searched"),
        ({"momenta": (0.5, 1.5)}, "The range 0.5:1.5 of the momentum cannot be searched; end it below 1"),
        (
            {"optimizer": "adam", "momenta": (0.5, 0.9)},
            "momenta is given, but the optimizer adam does not use it",
        ),
        ({"trials": 2, "best": 3}, "best is 3, but there are 2 trials"),
    ],
)
def test_impossible_searches_are_refused_with_a_sentence(fields, message):
    with pytest.raises(RequestError, match=message):
        SearchRequest(**fields)


def test_a_field_that_a_recipe_ignores_would_make_two_keys_for_one_training():
    # Every field in the table is refused by every other recipe as soon as it says something.
    others = {
        "phase": "reference",
        "restart_momentum": "reset",
        "period": 2,
        "start_from": "x",
        "start_epoch": 1,
    }
    for name, recipes in USED_BY.items():
        value = others.get(name, 0.5 if isinstance(default_of(TrainRequest, name), float | None) else 3)
        for recipe in set(RECIPES) - set(recipes):
            with pytest.raises(RequestError, match=f"{name} is .*, but the recipe {recipe} does not use it"):
                TrainRequest(recipe=recipe, **{name: value})


def test_every_range_of_a_search_draws_a_field_of_a_run():
    for field, _ in RANGES.values():
        assert field in TrainRequest.__struct_fields__
    assert set(RANGES) <= set(SearchRequest.__struct_fields__)


def test_a_search_draws_only_what_its_recipe_uses():
    assert set(SearchRequest().drawn) == {"learning_rate", "weight_decay"}
    assert set(SearchRequest(recipe="layca").drawn) == {"learning_rate"}

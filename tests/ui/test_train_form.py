import json

import pytest

from landscape.core.requests import SearchRequest, TrainRequest, request_from_json
from landscape.core.training_requests import RECIPES, USED_BY
from landscape.service.jobs import Jobs
from landscape.ui import train_form
from landscape.ui.training_words import (
    LABELS,
    OPTIMIZER_WORDS,
    RECIPE_WORDS,
    SCHEDULE_WORDS,
    field_help,
    first_rate,
)
from tests.ui.builders import put_run

TRAIN, SEARCH = "Train a run", "Search for settings"
LAYCA = {"learning_rate": 3.0**-3, "weight_decay": 0.0}
# What the form asks for before anything is changed, where that is not the request's own default.
FIRST = {"layca": LAYCA, "independent": {"cycles": 3}}
# Values by the key of their widget, and the fields of the request that they become.
CHOSEN = {
    "standard": ({"cycles_train_standard": 4, "schedule": "constant"}, {"cycles": 4, "schedule": "constant"}),
    "snapshot": (
        {"cycles_train_snapshot": 5, "phase": "reference", "restart_momentum": "reset"},
        {"cycles": 5, "phase": "reference", "restart_momentum": "reset"},
    ),
    "single-cycle": ({"cycles_train_single-cycle": 2}, {"cycles": 2}),
    "independent": ({"cycles_train_independent": 2, "optimizer": "sgd"}, {"cycles": 2, "optimizer": "sgd"}),
    "sgdr": ({"period_sgdr": 20, "growth": 1}, {"period": 20, "growth": 1}),
    "fge": (
        {"period_fge": 2, "start_epoch_fge": 40, "high_rate_fge": 0.03, "low_rate_fge": 0.002},
        {"period": 2, "start_epoch": 40, "high_rate": 0.03, "low_rate": 0.002},
    ),
    "swa": (
        {"period_swa": 3, "start_epoch_swa": 30, "low_rate_swa": 0.04, "warmup": 2},
        {"period": 3, "start_epoch": 30, "low_rate": 0.04, "warmup": 2},
    ),
    "ema": ({"average_decay": 1.0, "label_smoothing": 0.1}, {"average_decay": 1.0, "label_smoothing": 0.1}),
    "layca": (
        {"layer_profile": -0.6, "learning_rate_layca": 0.01},
        {**LAYCA, "layer_profile": -0.6, "learning_rate": 0.01},
    ),
}


def asked(home):
    (job,) = Jobs(home).list()
    return request_from_json(job.request_json)


def fill(test, values):
    """Put values into the widgets with these keys."""
    for key, value in values.items():
        kind = next(
            kind
            for kind in ("number_input", "selectbox", "checkbox")
            if any(widget.key == key for widget in test.get(kind))
        )
        getattr(test, kind)(key).set_value(value)
        test.run()
    return test


def fields_shown(test):
    """Fields of the request that have a widget, by what its key begins with."""
    keys = [widget.key for kind in ("number_input", "selectbox", "multiselect") for widget in test.get(kind)]
    return {
        name
        for name in LABELS | {"cycles": ""}
        if any(key == name or key.startswith(f"{name}_") for key in keys)
    }


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_asked_for_as_it_comes(open_page, home, recipe):
    test = open_page("workbench", question=TRAIN, recipe=RECIPE_WORDS[recipe].name)
    assert not test.exception
    assert not test.error
    assert RECIPE_WORDS[recipe].paper in " ".join(caption.value for caption in test.caption)
    test.button("train").click().run()
    assert asked(home) == TrainRequest(recipe=recipe, **FIRST.get(recipe, {}))


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_chosen_is_what_is_asked_for(open_page, home, recipe):
    values, fields = CHOSEN[recipe]
    test = fill(open_page("workbench", question=TRAIN, recipe=RECIPE_WORDS[recipe].name), values)
    assert not test.error
    test.button("train").click().run()
    assert asked(home) == TrainRequest(recipe=recipe, **fields)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_shows_the_fields_that_it_uses(open_page, recipe):
    shown = fields_shown(open_page("workbench", question=TRAIN, recipe=RECIPE_WORDS[recipe].name))
    used = {name for name in USED_BY if recipe in USED_BY[name]}
    assert shown & set(USED_BY) == used


def test_every_field_has_its_meaning_beside_it(open_page):
    assert set(field_help(SearchRequest)) >= set(SearchRequest.__struct_fields__)
    test = open_page("workbench", question=TRAIN)
    assert test.number_input("warmup").help == field_help(TrainRequest)["warmup"]


def test_each_optimiser_begins_with_a_rate_that_suits_it(open_page, home):
    test = open_page("workbench", question=TRAIN, recipe="Standard")
    for optimizer in OPTIMIZER_WORDS:
        test.selectbox("optimizer").set_value(optimizer).run()
        rate = test.number_input(f"learning_rate_{optimizer}").value
        assert rate == first_rate("standard", optimizer)
    expected = {"nesterov": 0.1, "sam": 0.1, "adagrad": 1e-2, "adamw": 1e-3, "lbfgs": 1.0}
    assert {name: first_rate("standard", name) for name in expected} == expected


def test_an_optimiser_shows_what_belongs_to_it(open_page):
    test = open_page("workbench", question=TRAIN)
    assert fields_shown(test) >= {"momentum", "batch_size"}
    assert "sam_radius" not in fields_shown(test)
    assert fields_shown(test.selectbox("optimizer").set_value("sam").run()) >= {"momentum", "sam_radius"}
    shown = fields_shown(test.selectbox("optimizer").set_value("lbfgs").run())
    assert not shown & {"momentum", "sam_radius", "batch_size"}


@pytest.mark.parametrize(
    ("schedule", "fields"),
    [("exponential", {"decay"}), ("step", {"drop_epochs", "drop_factor"}), ("constant", set())],
)
def test_a_schedule_shows_what_belongs_to_it(open_page, schedule, fields):
    assert set(SCHEDULE_WORDS) >= {schedule}
    test = open_page("workbench", question=TRAIN).selectbox("schedule").set_value(schedule).run()
    assert fields_shown(test) & {"decay", "drop_epochs", "drop_factor"} == fields


def test_label_noise_becomes_part_of_the_data(open_page, home):
    test = fill(open_page("workbench", question=TRAIN), {"label_noise": 0.2})
    test.button("train").click().run()
    assert asked(home) == TrainRequest(data="digits:noise=0.2")


def test_a_continuation_begins_at_a_checkpoint(open_page, home):
    put_run(home.runs / "run-1")
    test = open_page("workbench", question=TRAIN, recipe="FGE")
    fill(test, {"start_from": "run-1 · step 90", "epochs": 8})
    assert "start_epoch" not in fields_shown(test)
    test.button("train").click().run()
    assert asked(home) == TrainRequest(recipe="fge", epochs=8, start_from=f"{home.runs}/run-1@90")


def test_any_single_network_may_begin_at_a_checkpoint(open_page, home):
    put_run(home.runs / "run-1")
    test = fill(open_page("workbench", question=TRAIN), {"start_from": "run-1 · step 40"})
    test.button("train").click().run()
    assert asked(home).start_from == f"{home.runs}/run-1@40"


def test_teachers_are_chosen_from_the_checkpoints_there_are(open_page, home):
    put_run(home.runs / "run-1")
    test = open_page("workbench", question=TRAIN)
    assert "temperature" not in fields_shown(test)
    test.multiselect("teachers").set_value(["run-1 · step 90", "run-1 · step 40"]).run()
    fill(test, {"temperature": 2.5})
    test.button("train").click().run()
    teachers = (f"{home.runs}/run-1@90", f"{home.runs}/run-1@40")
    assert asked(home) == TrainRequest(teachers=teachers, temperature=2.5)


def plan_of(test):
    """What the small chart of the rate was given."""
    charts = [json.loads(chart.proto.json) for chart in test.get("bidi_component")]
    return next(chart for chart in charts if chart["view"] == "plan")


def test_the_planned_rate_is_drawn(open_page):
    plan = plan_of(open_page("workbench", question=TRAIN))
    assert plan["alt"] == "The planned learning rate over 60 epochs, with 6 snapshots."
    curve, marks = json.loads(plan["figure"])["data"]
    assert marks["x"] == [10, 20, 30, 40, 50, 60]
    assert marks["text"][-1] == "snapshot 6"
    assert curve["mode"] == "lines"


def test_cycles_that_do_not_fit_are_refused_beside_the_form(open_page):
    test = fill(open_page("workbench", question=TRAIN), {"epochs": 7})
    assert not test.exception
    assert "6 cycles need a number of steps divisible by 6" in test.error[0].value.replace("\\", "")
    assert not [button for button in test.button if button.key == "train"]


def test_how_many_steps_unknown_data_make_is_not_guessed(open_page, home, monkeypatch):
    # A path is typed in the browser; the test's own select box takes listed options only.
    monkeypatch.setattr(train_form, "DATA", ("/somewhere/mine.npz",))
    test = fill(open_page("workbench", question=TRAIN), {"epochs": 7})
    assert not test.error
    test.button("train").click().run()
    assert asked(home) == TrainRequest(data="/somewhere/mine.npz", epochs=7)


def test_a_search_is_asked_for_as_it_comes(open_page, home):
    test = open_page("workbench", question=SEARCH)
    assert not test.exception
    assert not test.error
    assert not fields_shown(test) & {"learning_rate", "weight_decay"}, "they are drawn"
    test.button("search").click().run()
    assert asked(home) == SearchRequest()


def test_what_is_drawn_and_what_is_not(open_page, home):
    test = open_page("workbench", question=SEARCH, search_recipe="Snapshot")
    fill(
        test,
        {
            "draw_momenta": True,
            "draw_weight_decays": False,
            "momenta_lowest": 0.5,
            "learning_rates_highest": 0.3,
            "trials": 9,
            "weight_decay": 1e-3,
            "cycles_search_snapshot": 2,
        },
    )
    test.text_input("stages").set_value("2 4").run()
    assert not fields_shown(test) & {"momentum"}
    test.button("search").click().run()
    assert asked(home) == SearchRequest(
        recipe="snapshot",
        cycles=2,
        trials=9,
        stages=(2, 4),
        momenta=(0.5, 0.99),
        weight_decays=None,
        weight_decay=1e-3,
        learning_rates=(1e-3, 0.3),
    )


def test_families_are_not_searched(open_page):
    test = open_page("workbench", question=SEARCH)
    names = [option.content for option in test.segmented_control("search_recipe").proto.options]
    assert names[0] == "Standard"
    assert not {"Independent", "Single cycle"} & set(names)


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [("1, many", "are whole numbers of epochs"), ("5, 1", "give increasing numbers below the run")],
)
def test_impossible_stages_are_refused_beside_the_form(open_page, stages, sentence):
    test = open_page("workbench", question=SEARCH)
    test.text_input("stages").set_value(stages).run()
    assert not test.exception
    assert sentence in test.error[0].value
    assert not [button for button in test.button if button.key == "search"]


def test_values_stay_when_another_question_was_looked_at(open_page, home):
    test = fill(open_page("workbench", question=TRAIN), {"epochs": 12, "mixup": 0.5})
    test.segmented_control("question").set_value("line").run()
    test.segmented_control("question").set_value("train").run()
    test.button("train").click().run()
    assert asked(home) == TrainRequest(epochs=12, mixup=0.5)

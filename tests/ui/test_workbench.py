import time

import pytest

from landscape.core.requests import LineRequest, PlaneRequest, TrainRequest, request_from_json
from landscape.networks.architectures import architecture_names
from landscape.networks.datasets import data_names
from landscape.service.claims import Claims
from landscape.service.jobs import Jobs
from landscape.ui import estimates, train_form
from landscape.ui.estimates import Estimate, Estimates, Refusal, Unknown
from tests.ui.builders import put_run


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    """Estimates without a process: what the test says, at once."""
    answers = {"": Estimate(12.0, 441, 1797)}
    monkeypatch.setattr(estimates, "_measure", lambda request, home: answers[""])
    monkeypatch.setattr("landscape.ui.estimate_view.ESTIMATES", Estimates())
    return answers


@pytest.fixture
def runs(home):
    return [put_run(home.runs / f"run-{seed}", seed=seed) for seed in (1, 2, 3)]


def asked(home):
    return [request_from_json(job.request_json) for job in Jobs(home).list()]


def settled(test):
    """The page once its estimate has arrived."""
    end = time.monotonic() + 20
    while any("Measuring" in caption.value for caption in test.caption) and time.monotonic() < end:
        time.sleep(0.05)
        test.run()
    return test


def test_without_checkpoints_one_click_trains_an_example(open_page, home):
    test = open_page("workbench")
    assert not test.exception
    assert "There are no checkpoints yet" in test.markdown[0].value
    test.button("train_example").click().run()
    (request,) = asked(home)
    assert isinstance(request, TrainRequest)
    assert request.data == "digits"
    assert test.query_params["job"] == Jobs(home).list()[0].id
    assert "Waiting for its turn" in test.progress[0].text


def test_a_line_is_asked_for(open_page, home, runs):
    test = settled(open_page("workbench"))
    assert not test.exception
    assert "About 12 s" in " ".join(caption.value for caption in test.caption)
    test.selectbox("checkpoint_A").set_value("run-1 · step 90")
    test.selectbox("checkpoint_B").set_value("run-2 · step 40").run()
    test.button("run").click().run()
    (request,) = asked(home)
    assert request == LineRequest(
        checkpoints=(f"{home.runs}/run-1@90", f"{home.runs}/run-2@40"),
        points=21,
        start=-0.25,
        stop=1.25,
        train_samples=256,
        test_samples=256,
    )


def test_a_plane_is_asked_for_at_another_preset(open_page, home, runs):
    test = open_page("workbench", question="Plane through three", preset="Standard")
    test.selectbox("batch_norm").set_value("stored").run()
    test.button("run").click().run()
    assert not test.exception
    (request,) = asked(home)
    assert isinstance(request, PlaneRequest)
    assert (request.columns, request.rows, request.batch_norm) == (33, 33, "stored")
    assert request.train_samples is None
    assert len({reference.rpartition("@")[0] for reference in request.checkpoints}) == 3


def test_the_same_question_twice_is_one_job(open_page, home, runs):
    for _ in range(2):
        test = open_page("workbench")
        test.button("run").click().run()
    assert len(asked(home)) == 1


def test_a_question_whose_job_is_just_being_stopped_says_so_beside_the_form(open_page, home, runs):
    open_page("workbench").button("run").click().run()
    (job,) = Jobs(home).list()
    Claims(home).claim()
    Jobs(home).cancel(job.id)
    test = open_page("workbench", job=job.id)
    test.button("run").click().run()
    assert not test.exception
    assert "is just being stopped; wait a moment, then resume it" in test.columns[0].error[0].value
    assert test.progress  # the job's own picture stays


def test_an_impossible_value_is_refused_beside_the_form(open_page, home, runs):
    test = open_page("workbench")
    test.number_input("start").set_value(2.0).run()
    assert not test.exception
    assert "is empty or reversed" in test.error[0].value
    assert not [button for button in test.button if button.key == "run"]
    test = open_page("workbench", question="Plane through three")
    test.number_input("columns_quick").set_value(1).run()
    assert "give at least 2 along each axis" in test.error[0].value


def test_what_the_measurement_refuses_cannot_be_run(open_page, runs, measured):
    measured[""] = Refusal("The three checkpoints lie on one line; choose others.")
    test = settled(open_page("workbench"))
    assert r"lie on one line; choose others\." in test.error[0].value
    assert test.button("run").disabled
    measured[""] = Estimate(3.0, 21, 512)
    test = settled(test.button("estimate_again").click().run())
    assert not test.button("run").disabled


def test_an_unknown_time_forbids_nothing(open_page, runs, measured):
    measured[""] = Unknown()
    test = settled(open_page("workbench"))
    assert "could not be measured" in " ".join(caption.value for caption in test.caption)
    assert not test.button("run").disabled


def test_checkpoints_that_do_not_fit_say_why(open_page, home, runs):
    put_run(home.runs / "other", architecture="convnet", seed=9, steps=(5,))
    test = open_page("workbench")
    test.selectbox("checkpoint_A").set_value("run-1 · step 90").run()
    assert "other · step 5" not in test.selectbox("checkpoint_B").options
    assert "other · step 5" in test.selectbox("checkpoint_A").options
    (table,) = [frame.value for frame in test.dataframe if "why" in frame.value]
    (why,) = table.loc[table["checkpoint"] == "other · step 5", "why"]
    assert "choose checkpoints of one network" in why


def test_too_few_checkpoints_of_a_kind_are_said_to_be_too_few(open_page, home):
    put_run(home.runs / "one", steps=(7, 8))
    test = open_page("workbench", question="Plane through three")
    assert "Only 2 checkpoints of this kind; a plane needs 3 that differ" in test.warning[0].value
    assert not test.error, "once is enough"
    assert not [button for button in test.button if button.key == "run"]


def test_a_training_run_is_asked_for(open_page, home):
    test = open_page("workbench", question="Train a run")
    words = " ".join(text.value for text in test.markdown)
    assert "Press Train" in words
    assert "Press Run" not in words
    test.number_input("epochs").set_value(12)
    test.number_input("seed").set_value(3).run()
    test.button("train").click().run()
    assert not test.exception
    assert asked(home) == [TrainRequest(epochs=12, seed=3)]


def test_an_impossible_training_is_refused_beside_the_form(open_page):
    test = open_page("workbench", question="Train a run")
    test.number_input("momentum").set_value(1.5).run()
    assert r"The momentum is 1\.5" in test.error[0].value


def test_a_job_that_is_gone_is_said_to_be_gone(open_page, runs):
    test = open_page("workbench", job="*none*")
    assert r"There is no job \*none\*" in test.warning[0].value


def test_what_the_form_offers_exists():
    assert set(train_form.DATA) == set(data_names())
    assert set(train_form.ARCHITECTURES) <= set(architecture_names())

import pytest

from landscape.core.requests import (
    DiversityRequest,
    EnsembleRequest,
    FanRequest,
    TrainRequest,
    request_from_json,
)
from landscape.service.jobs import Jobs
from landscape.ui import estimates
from landscape.ui.estimates import Estimate, Estimates
from landscape.ui.questions import QUESTIONS
from tests.ui.builders import put_run

KINDS = {"fan": FanRequest, "ensemble": EnsembleRequest, "diversity": DiversityRequest}
KEPT = ("start", "snapshot", "snapshot")


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    """Estimates without a process."""
    monkeypatch.setattr(estimates, "_measure", lambda request, home: Estimate(12.0, 441, 1797))
    monkeypatch.setattr("landscape.ui.estimate_view.ESTIMATES", Estimates())


@pytest.fixture
def runs(home):
    standard = TrainRequest(architecture="mlp", recipe="standard", cycles=2, seed=3)
    return [
        put_run(home.runs / "cyclic", seed=1, kinds=KEPT, averages=(90,)),
        put_run(home.runs / "cyclic-2", seed=2, kinds=KEPT),
        put_run(home.runs / "plain", seed=3, kinds=KEPT, request=standard),
    ]


def asked(home):
    (job,) = Jobs(home).list()
    return request_from_json(job.request_json)


def references(home, *named):
    return tuple(f"{home.runs}/{name}" for name in named)


def test_two_runs_of_different_recipes_are_offered_first(open_page, runs):
    offered = open_page("workbench", question=QUESTIONS["ensemble"]).multiselect("runs").value
    assert len(offered) == 2
    assert "plain" in offered


@pytest.mark.parametrize("kind", KINDS)
def test_whole_runs_are_groups_of_their_snapshots(open_page, home, runs, kind):
    test = open_page("workbench", question=QUESTIONS[kind])
    test.multiselect("runs").set_value(["cyclic", "plain"]).run()
    assert "cyclic: 2 snapshots · plain: 2 snapshots" in " ".join(text.value for text in test.caption)
    test.button("run").click().run()
    assert not test.exception
    extra = {"points": 21, "train_samples": 256, "test_samples": 256} if kind == "fan" else {}
    assert asked(home) == KINDS[kind](
        checkpoints=references(home, "cyclic@40", "cyclic@90", "plain@40", "plain@90"),
        groups=("cyclic", "cyclic", "plain", "plain"),
        **extra,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_single_checkpoints_are_one_group_in_their_order(open_page, home, runs, kind):
    test = open_page("workbench", question=QUESTIONS[kind], take="Single checkpoints")
    assert "Choose at least 2 checkpoints" in " ".join(text.value for text in test.caption)
    names = ["plain · step 90", "cyclic · step 90, average", "cyclic · step 40"]
    test.multiselect("members").set_value(names).run()
    test.button("run").click().run()
    assert not test.exception
    request = asked(home)
    assert request.groups == ()
    assert request.checkpoints == references(home, "plain@90", "cyclic@90-average", "cyclic@40")


def test_what_is_chosen_is_what_is_asked_for(open_page, home, runs):
    test = open_page("workbench", question=QUESTIONS["ensemble"])
    test.multiselect("runs").set_value(["plain"])
    test.selectbox("own_batch_norm").set_value("recalibrate")
    test.number_input("bins").set_value(9)
    test.number_input("group_test_all").set_value(100).run()
    test.button("run").click().run()
    assert asked(home) == EnsembleRequest(
        checkpoints=references(home, "plain@40", "plain@90"),
        groups=("plain", "plain"),
        batch_norm="recalibrate",
        bins=9,
        test_samples=100,
    )


def test_a_fan_has_presets_and_an_estimate(open_page, home, runs):
    test = open_page("workbench", question=QUESTIONS["fan"], preset="Standard")
    test.number_input("fan_stop").set_value(1.25).run()
    test.button("run").click().run()
    request = asked(home)
    assert (request.points, request.stop, request.train_samples) == (51, 1.25, None)
    captions = " ".join(text.value for text in open_page("workbench", question=QUESTIONS["ensemble"]).caption)
    assert "Measuring" not in captions


def test_runs_of_different_networks_are_refused_beside_the_form(open_page, home, runs):
    put_run(home.runs / "other", architecture="convnet", kinds=KEPT)
    test = open_page("workbench", question=QUESTIONS["diversity"])
    test.multiselect("runs").set_value(["cyclic", "other"]).run()
    assert "choose checkpoints of one network" in test.error[0].value
    assert not [button for button in test.button if button.key == "run"]
    assert "other" not in open_page("workbench", question=QUESTIONS["diversity"]).multiselect("runs").value


def test_a_fan_needs_two_snapshots_of_a_run(open_page, home):
    put_run(home.runs / "short", kinds=("start", "snapshot", "between"))
    test = open_page("workbench", question=QUESTIONS["fan"])
    assert "No run has 2 snapshots" in test.warning[0].value
    assert not test.exception


def test_nothing_chosen_is_nothing_asked(open_page, home, runs):
    test = open_page("workbench", question=QUESTIONS["ensemble"])
    test.multiselect("runs").set_value([]).run()
    assert "Choose at least one run" in " ".join(text.value for text in test.caption)
    assert not [button for button in test.button if button.key == "run"]


def test_a_single_network_is_not_compared(open_page, home):
    put_run(home.runs / "one", steps=(0, 40), kinds=("start", "snapshot"))
    test = open_page("workbench", question=QUESTIONS["diversity"])
    assert "needs at least 2 checkpoints" in test.error[0].value
    assert not [button for button in test.button if button.key == "run"]


def test_a_link_names_the_runs(open_page, home, runs):
    test = open_page("workbench", question=QUESTIONS["fan"], runs=["plain", "cyclic-2"])
    assert test.multiselect("runs").value == ["plain", "cyclic-2"]

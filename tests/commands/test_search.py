import numpy as np
import pytest

from landscape.commands.search import told
from landscape.core.files import load_result
from landscape.core.requests import SearchRequest
from landscape.core.results import provenance_of
from tests.figures.synthetic import search_result


def test_a_search_tells_the_best_their_ensemble_and_warns(call, tmp_path):
    out = tmp_path / "search.nc"
    result = call(
        *(
            "search",
            "--architecture",
            "mlp",
            "--batch-size",
            256,
            "--epochs",
            2,
            "--stages",
            "1",
            "--trials",
            3,
        ),
        *("--best", 2, "--learning-rates", "1e-7:1e-6", "--weight-decays", "none", "--out", out),
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].endswith(str(out))
    assert lines[1].startswith("The best of 3 trials: learning rate ")
    assert "after 2 epochs; its run: " in lines[1]
    found = load_result(out)
    assert found.sizes["trial"] == 3
    assert found["parameter"].values.tolist() == ["learning_rate"]
    command = provenance_of(found).command
    assert " search " in command


def test_what_is_told_is_read_from_the_result():
    result = search_result()
    best = 4
    result["value"][best, :] = result["high"].values
    lines = told(result)
    words = [f"{str(name).replace('_', ' ')} {value:.3g}" for name, value in
             zip(result["parameter"].values, result["high"].values, strict=True)]  # fmt: skip
    error = float(result["validation_error"][best, -1])
    epochs = float(result["stage_epochs"][-1])
    assert lines[0] == (
        f"The best of {result.sizes['trial']} trials: {', '.join(words)}. Its validation error is {error:.1%} after "
        f"{epochs:g} epochs; its run: {result['run'].values[best]}"
    )
    size, together = int(result["size"][-1]), float(result["ensemble_error"][-1])
    assert lines[1] == f"The ensemble of the best {size} has a validation error of {together:.1%}."
    assert len(lines) == 2 + result.sizes["parameter"]
    assert all("lies at the upper end" in line for line in lines[2:])


def test_nothing_is_told_of_trials_that_all_failed():
    result = search_result()
    result["validation_error"][:] = np.nan
    assert told(result) == ["No trial could be evaluated; lower the learning rates, or try more settings."]


def test_an_ensemble_of_one_is_not_told():
    result = search_result()
    result["ensemble_error"][1:] = np.nan
    assert not any("ensemble" in line for line in told(result))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--recipe", "independent"), "A search tries single networks, and the recipe independent trains several"),
        (("--trials", 2, "--best", 3), "best is 3, but there are 2 trials; give at most that many."),
        (("--stages", "70"), "The stages have 70, 60 epochs; give increasing numbers below the run's 60 epochs"),
        (("--learning-rates", "0:1"), "The range 0:1 of the learning rate cannot be searched; give two numbers"),
        (("--validation", 1), "The validation share is 1.0; give a number between 0 and 1, such as 0.2."),
        (("--keep", 1), "keep is 1; give at least 2: one in so many trials goes on."),
        (("--architecture", "mpl"), "There is no architecture named 'mpl'; did you mean 'mlp'?"),
        (("--out", "x.mp3"), "There is no file format named 'mp3'; "),
    ],
)  # fmt: skip
def test_a_wrong_question_is_one_sentence(refuse, words, sentence):
    assert refuse("search", *words).startswith(sentence)


def test_every_option_reaches_the_request(call, monkeypatch):
    from landscape.commands import search

    asked = []

    def answer(request, out, work):
        asked.append(request)
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "answer", answer)
    call("search", "--trials", 9, "--stages", "2,5", "--momenta", "0:0.99", "--weight-decays", "none")
    assert asked == [SearchRequest(trials=9, stages=(2, 5), momenta=(0.0, 0.99), weight_decays=None)]

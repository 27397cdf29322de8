"""Every field of a request is an option, and the words that a request is written in ask for the same request."""

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape.commands.options import attribute_helps, command_words, options_of
from landscape.core.errors import RequestError
from landscape.core.search_requests import SearchRequest
from landscape.core.training_requests import TrainRequest


def asked(kind: type, words: list[str]):
    """The request that a verb made of all its fields would ask for."""
    found = []

    @click.command()
    @options_of(kind, into="fields")
    def verb(fields):
        found.append(kind(**fields))

    result = CliRunner().invoke(verb, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return found[0]


REQUESTS = [
    TrainRequest(),
    TrainRequest(
        data="digits:noise=0.2/3", recipe="fge", epochs=30, start_from="run@last", period=2, high_rate=1 / 3,
        low_rate=1e-7, teachers=("a b@last", "--odd=name"), temperature=2.5, augmentation="crop-flip",
    ),
    TrainRequest(recipe="layca", layer_profile=-0.3, cycles=1, schedule="step", drop_epochs=7, drop_factor=0.3),
    SearchRequest(),
    SearchRequest(stages=(), weight_decays=None, learning_rates=(1e-17, 1 / 3), momenta=(0.0, 0.99), trials=7),
    SearchRequest(stages=(2, 9, 11), recipe="swa", label_smoothings=(0.0, 0.125), mixups=(0.1, 2.0), best=1),
]  # fmt: skip


@pytest.mark.parametrize("request_", REQUESTS, ids=repr)
def test_the_words_of_a_request_ask_for_it(request_):
    assert asked(type(request_), command_words(request_)) == request_


@settings(max_examples=40, deadline=None)
@given(
    rate=st.floats(1e-12, 1e3),
    decay=st.floats(0, 10),
    profile=st.floats(-0.99, 0.99),
    seed=st.integers(-5, 2**40),
    teachers=st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1), max_size=3
    ),
)
def test_every_number_and_every_name_survives(rate, decay, profile, seed, teachers):
    request = TrainRequest(
        recipe="layca",
        learning_rate=rate,
        layer_profile=profile,
        seed=seed,
        teachers=tuple(teachers),
    )
    assert asked(TrainRequest, command_words(request)) == request
    request = TrainRequest(recipe="ema", weight_decay=decay, average_decay=decay / (1 + decay))
    assert asked(TrainRequest, command_words(request)) == request


def test_only_what_differs_from_the_default_is_written():
    assert command_words(TrainRequest()) == []
    assert command_words(TrainRequest(epochs=7, teachers=("a", "b"))) == [
        *("--epochs", "7", "--teachers", "a", "--teachers", "b")
    ]
    words = command_words(SearchRequest(stages=(2, 3), weight_decays=None, momenta=(0.5, 0.75)))
    assert words == ["--stages", "2,3", "--weight-decays", "none", "--momenta", "0.5:0.75"]


@pytest.mark.parametrize("kind", [TrainRequest, SearchRequest])
def test_every_field_is_an_option_and_is_explained(kind):
    helps = attribute_helps(kind)
    for name in kind.__struct_fields__:
        assert helps[name].endswith("."), name
        assert "None" not in helps[name]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--learning-rates", "fast"], "--learning-rates is 'fast'; give LOW:HIGH, two numbers such as 0.001:1"),
        (["--learning-rates", "1"], "--learning-rates is '1'; give LOW:HIGH"),
        (["--learning-rates", "1:0.1"], "The range 1:0.1 of the learning rate cannot be searched; give two"),
        (["--momenta=-0.5:0.5"], "The range -0.5:0.5 of the momentum cannot be searched"),
        (["--stages", "1;5"], "--stages is '1;5'; give whole numbers with commas between them, such as 1,5, or none."),
        (["--stages", "5,1"], "The stages have 5, 1, 60 epochs; give increasing numbers"),
    ],
)  # fmt: skip
def test_what_is_no_range_and_no_list_is_refused(words, sentence):
    with pytest.raises(RequestError) as caught:
        asked(SearchRequest, words)
    assert str(caught.value).startswith(sentence)

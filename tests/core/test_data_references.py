from pathlib import Path

import pytest

from landscape.core.data_references import (
    Modifier,
    file_words,
    lasting_reference,
    parse_modifiers,
    short_reference,
    split_reference,
)
from landscape.core.errors import DataError


@pytest.mark.parametrize(
    ("reference", "base", "modifiers"),
    [
        ("digits", "digits", ""),
        ("digits:noise=0.2", "digits", ":noise=0.2"),
        ("digits:noise=0.2/3:validation=.1/7", "digits", ":noise=0.2/3:validation=.1/7"),
        ("nowhere/pets.tar.gz:validation=0.3", "nowhere/pets.tar.gz", ":validation=0.3"),
        ("digits:nosie=0.2", "digits", ":nosie=0.2"),
        ("digits:noise", "digits", ":noise"),
        ("C:\\data", "C:\\data", ""),
        ("C:\\data\\pets.zip:noise=0.2", "C:\\data\\pets.zip", ":noise=0.2"),
        ("C:/data/a=b", "C:/data/a=b", ""),
        ("C:data", "C:data", ""),
        ("0" * 64 + ":noise=0.2", "0" * 64, ":noise=0.2"),
        ("a\0b:noise=0.2", "a\0b", ":noise=0.2"),
    ],
)
def test_a_reference_falls_into_what_is_loaded_and_what_is_done_to_it(
    reference: str, base: str, modifiers: str
) -> None:
    assert split_reference(reference) == (base, modifiers)


def test_the_longest_part_that_exists_is_the_base(tmp_path: Path) -> None:
    folder = tmp_path / "pets:noise=0.2"
    folder.mkdir()
    assert split_reference(str(folder)) == (str(folder), "")
    assert split_reference(f"{folder}:noise=0.2") == (str(folder), ":noise=0.2")
    assert split_reference(f"{tmp_path}/pets:noise=0.3") == (f"{tmp_path}/pets", ":noise=0.3")


def test_modifiers_are_read_in_their_order() -> None:
    assert parse_modifiers(":noise=0.2/3:Validation=1e-1") == (
        Modifier("noise", 0.2, 3),
        Modifier("validation", 0.1),
    )
    assert parse_modifiers("") == ()


@pytest.mark.parametrize("text", [":noise=0.20", ":noise=2e-1", ":NOISE=.2/0", ":noise=0.2/00"])
def test_equal_modifiers_have_one_text(text: str) -> None:
    (modifier,) = parse_modifiers(text)
    assert modifier.text == ":noise=0.2"
    assert parse_modifiers(modifier.text) == (modifier,)


@pytest.mark.parametrize("modifier", [Modifier("noise", 1 / 3, 12), Modifier("validation", 1e-7)])
def test_the_text_of_a_modifier_reads_as_the_same_modifier(modifier: Modifier) -> None:
    assert parse_modifiers(modifier.text) == (modifier,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":nosie=0.2", "There is no modifier of data named 'nosie'; did you mean 'noise'"),
        (":blur=0.2", "There is no modifier of data named 'blur'; choose one of: noise, validation."),
        (":noise", "The noise modifier has the share ''; give a number between 0 and 1, such as :noise=0.2."),
        (":noise=20%", "The noise modifier has the share '20%'; give a number between 0 and 1"),
        (":noise=0", "The noise modifier has the share 0; give a number between 0 and 1, such as 0.2."),
        (":validation=1", "The validation modifier has the share 1; give a number between 0 and 1"),
        (":validation=-0.1", "The validation modifier has the share -0.1; give a number"),
        (":noise=nan", "The noise modifier has the share nan; give a number"),
        (":noise=0.2/x", "The noise modifier has the seed 'x'; give a whole number of at least 0, such as"),
        (":noise=0.2/-1", "The noise modifier has the seed '-1'; give a whole number"),
        (":noise=0.2/", "The noise modifier has the seed ''; give a whole number"),
    ],
)
def test_bad_modifiers_get_a_sentence(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_modifiers(text)


def test_a_path_becomes_absolute_and_keeps_its_modifiers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pets").mkdir()
    monkeypatch.chdir(tmp_path)
    assert lasting_reference("pets:noise=0.2/3") == f"{tmp_path / 'pets'}:noise=0.2/3"
    assert lasting_reference("pets") == str(tmp_path / "pets")
    assert lasting_reference("digits:noise=0.2") == "digits:noise=0.2"
    assert lasting_reference("gone/pets") == "gone/pets"


@pytest.mark.parametrize(
    ("reference", "short", "words"),
    [
        ("digits", "digits", "digits"),
        ("digits:noise=0.2/3", "digits:noise=0.2/3", "digits-noise0.2-3"),
        ("a/b/pets.tar.gz:noise=0.2:validation=0.1", "pets.tar.gz:noise=0.2:validation=0.1",
         "pets-noise0.2-validation0.1"),
        ("../..", "..", "data"),
    ],
)  # fmt: skip
def test_a_reference_in_few_words(reference: str, short: str, words: str) -> None:
    assert short_reference(reference) == short
    assert file_words(reference) == words


def test_a_modifier_stands_once():
    with pytest.raises(DataError, match=r"noise stands 2 times in 'noise=0.2:noise=0.3'; give it once"):
        parse_modifiers(":noise=0.2:noise=0.3")

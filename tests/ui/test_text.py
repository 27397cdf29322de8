import pytest

from landscape.ui.text import plain


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil.example/a.png)",
        "[click](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        ":material/home: $x^2$ `code` **bold** ~~gone~~",
        "https://evil.example/",
        "a & b \\ | c # d",
    ],
)
def test_plain_leaves_nothing_that_markdown_acts_on(hostile):
    escaped = plain(hostile)
    bare = escaped
    for character in "\\`*_{}[]()<>#+-.!|$:~&":
        bare = bare.replace(f"\\{character}", "")
    assert not set(bare) & set("`*_{}[]()<>#!|$:~&")


def test_plain_keeps_the_words_on_one_line():
    assert plain("step 92\n  of the run") == "step 92 of the run"

"""Words for the screen: user text made harmless, numbers made readable."""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~&])")


def plain(text: str) -> str:
    r"""Text of unknown origin (file, tensor and checkpoint names) for places that read Markdown.

    Streamlit renders links, remote pictures, mathematics and icons from any label; escaped, they are only characters.

    >>> plain("a_b ![x](http://y)")
    'a\\_b \\!\\[x\\]\\(http\\://y\\)'
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def duration(seconds: float) -> str:
    """A time span, coarse enough to be read at a glance.

    >>> duration(0.4), duration(75), duration(7300)
    ('under a second', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 1:
        return "under a second"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "checkpoint"), plural(1200, "point")
    ('1 checkpoint', '1,200 points')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

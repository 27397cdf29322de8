"""The report of the demo: one web page that needs nothing else, in the light and the dark."""

import html
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from landscape.commands.pictures import THEMES, Picture

if TYPE_CHECKING:
    import xarray as xr

_FOLDER = Path(__file__).parent
_LINK_NAMES = {"png": "PNG", "svg": "SVG", "pdf": "PDF"}


@dataclass(frozen=True, kw_only=True)
class RunTable:
    """The checkpoints of a run.

    Attributes:
        name: What the run is called.
        command: The command line that trains it again.
        rows: Per checkpoint: label, step, and metrics as `CheckpointMetadata` has them.
    """

    name: str
    command: str
    rows: tuple[tuple[str, int, Mapping[str, float]], ...]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A part of the report: heading, a paragraph, the tables and figures under it."""

    heading: str
    text: str
    pictures: tuple[Picture, ...]
    runs: tuple[RunTable, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the page holds.

    Attributes:
        title: The heading of the page.
        lead: The paragraph under it.
        chapters: In order.
        results: The computed results; their provenance is written out at the end.
    """

    title: str
    lead: str
    chapters: tuple[Chapter, ...]
    results: "tuple[xr.Dataset, ...]"


def page(report: Report) -> str:
    """The whole page as HTML. Everything that comes from data is escaped; plotly.js is inside, once."""
    from plotly.offline import get_plotlyjs

    from landscape.figures import PLOTLY_CONFIG

    pictures = [picture for chapter in report.chapters for picture in chapter.pictures]
    numbers = {picture.name: number for number, picture in enumerate(pictures, start=1)}
    return Template((_FOLDER / "report.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(report.title),
        lead=html.escape(report.lead),
        style=(_FOLDER / "report.css").read_text(encoding="utf-8"),
        contents="\n".join(_content_lines(report.chapters, numbers)),
        chapters="\n".join(_chapter(chapter, numbers) for chapter in report.chapters),
        repeat=_repeat(report),
        versions=_versions(report),
        figures="\n".join(_data_blocks(pictures)),
        config=_script_safe(json.dumps(PLOTLY_CONFIG)),
        plotly=get_plotlyjs(),
        script=(_FOLDER / "report.js").read_text(encoding="utf-8"),
    )


def _content_lines(chapters: Iterable[Chapter], numbers: dict[str, int]) -> Iterator[str]:
    for chapter in chapters:
        for picture in chapter.pictures:
            yield (
                f'<li><a href="#{picture.name}">Figure {numbers[picture.name]}, {html.escape(picture.heading)}.</a> '
                f"{html.escape(picture.finding)}</li>"
            )


def _chapter(chapter: Chapter, numbers: dict[str, int]) -> str:
    tables = "\n".join(_table(run) for run in chapter.runs)
    figures = "\n".join(_figure(picture, numbers[picture.name]) for picture in chapter.pictures)
    return (
        f"<section><h2>{html.escape(chapter.heading)}</h2>\n<p>{html.escape(chapter.text)}</p>\n{tables}\n{figures}\n"
        "</section>"
    )


def _table(run: RunTable) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(label)}</th><td>{step:,}</td>'
        f"<td>{metrics['train_loss']:.4f}</td><td>{metrics['test_loss']:.4f}</td>"
        f"<td>{metrics['train_accuracy']:.1%}</td><td>{metrics['test_accuracy']:.1%}</td></tr>"
        for label, step, metrics in run.rows
    )
    return f"""<div class="wide"><table>
<caption>{html.escape(run.name)}: whole splits at each checkpoint, cross-entropy in nats per example</caption>
<thead><tr><th scope="col">checkpoint</th><th scope="col">step</th><th scope="col">train loss</th>
<th scope="col">test loss</th><th scope="col">train accuracy</th><th scope="col">test accuracy</th></tr></thead>
<tbody>
{rows}
</tbody></table></div>"""


def _figure(picture: Picture, number: int) -> str:
    links = " ".join(
        f'<a href="{html.escape(file)}" download>{_LINK_NAMES[file.rpartition(".")[2]]}</a>'
        for file in picture.files
    )
    alt = html.escape(picture.alt)
    return f"""<figure id="{picture.name}">
<h3><span class="number">Figure {number}</span> {html.escape(picture.heading)}</h3>
<p class="finding">{html.escape(picture.finding)}</p>
<div class="slot {picture.shape}" style="--aspect: {picture.aspect:.3f}" role="img" aria-label="{alt}">
<picture><source media="screen and (prefers-color-scheme: dark)" srcset="{picture.posters["dark"]}">
<img src="{picture.posters["light"]}" alt="{alt}"></picture>
<div class="live" data-name="{picture.name}"></div>
</div>
<figcaption>{html.escape(picture.caption)} <span class="files">As a file: {links}</span></figcaption>
</figure>"""


def _repeat(report: Report) -> str:
    from landscape.core.results import provenance_of, self_check

    trained = [(run.name, run.command, "") for chapter in report.chapters for run in chapter.runs]
    computed = []
    for result in report.results:
        provenance = provenance_of(result)
        facts = (
            f"{provenance.seconds:.1f} s on {provenance.device}; {provenance.strategy}; self-check "
            f"{self_check(result):.2g}; key {provenance.key[:16]}"
        )
        computed.append((str(result.attrs["title"]), provenance.command, facts))
    return "\n".join(
        f"<h3>{html.escape(name)}</h3>\n<pre><code>{_command(command)}</code></pre>"
        + (f'\n<p class="facts">{html.escape(facts)}</p>' if facts else "")
        for name, command, facts in [*trained, *computed]
    )


def _command(command: str) -> str:
    # A line breaks between words only: a hyphen that ends a line could be taken for part of an option.
    return " ".join(f"<span>{html.escape(shlex.quote(word))}</span>" for word in shlex.split(command))


def _versions(report: Report) -> str:
    from landscape.core.results import provenance_of

    provenance = provenance_of(report.results[-1])
    rows = {
        **provenance.versions,
        "data": f"{provenance.data}, sha256 {provenance.data_digest}",
        "device": provenance.device,
        "computed": provenance.created,
    }
    return (
        "<h3>Versions and data</h3>\n<dl>\n"
        + "\n".join(
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in rows.items()
        )
        + "\n</dl>"
    )


def _data_blocks(pictures: Iterable[Picture]) -> Iterator[str]:
    for picture in pictures:
        for theme in THEMES:
            yield (
                f'<script type="application/json" id="{picture.name}-{theme}">'
                f"{_script_safe(picture.live[theme])}</script>"
            )


def _script_safe(json_text: str) -> str:
    # Inside a script element only a closing tag or a comment could end the data early.
    return json_text.replace("<", "\\u003c")

"""A result as one web page that needs nothing else: no server, no network."""

import html

import xarray as xr

from landscape.core.results import Provenance, provenance_of
from landscape.figures.captions import alt_text, caption
from landscape.figures.groups import groups_of
from landscape.figures.marks import marks_of
from landscape.figures.screen import draw
from landscape.figures.style import FigureStyle
from landscape.figures.texts import samples_of, title
from landscape.figures.theme import FONT, INK, PAPER, PLOTLY_CONFIG

# The browser itself then refuses every request that the page could make.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; worker-src blob:"
)


def page(result: xr.Dataset, style: FigureStyle) -> str:
    """The live figure with plotly inside, its caption, its text alternative and where its numbers come from."""
    figure = draw(result, style)
    picture = figure.to_html(
        full_html=False, include_plotlyjs=True, config=PLOTLY_CONFIG, div_id="figure-1", default_height=620
    )
    heading = html.escape(title(result, style) or "Landscape")
    rows = "\n".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in provenance_rows(result)
    )
    ink, paper = INK[style.dark], PAPER[style.dark]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading}</title>
<style>
body {{ margin: 0 auto; max-width: 1100px; padding: 1rem; background: {paper}; color: {ink}; font-family: {FONT}; }}
figure {{ margin: 0; }}
figcaption, table {{ font-size: 0.9rem; line-height: 1.5; }}
table {{ margin-top: 1rem; border-collapse: collapse; }}
th {{ text-align: left; vertical-align: top; padding-right: 1rem; white-space: nowrap; }}
td {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
<figure>
<div role="img" aria-label="{html.escape(alt_text(result, style))}">
{picture}
</div>
<figcaption>{html.escape(caption(result, style))}</figcaption>
</figure>
<details open><summary>Where these numbers come from</summary>
<table>
{rows}
</table>
</details>
</body>
</html>
"""


def provenance_rows(result: xr.Dataset) -> list[tuple[str, str]]:
    """Names and values of everything that is known of the computation; not escaped."""
    provenance = provenance_of(result)
    return [
        *_checkpoint_rows(result, provenance),
        ("data", f"{provenance.data}, sha256 {provenance.data_digest}"),
        ("examples", ", ".join(f"{count:,} {name}" for name, count in samples_of(provenance))),
        ("weight decay", f"{provenance.weight_decay:g}"),
        *([("batch norm", str(policy))] if (policy := provenance.request.get("batch_norm")) else []),
        ("command", provenance.command),
        ("evaluated", f"{provenance.strategy}; on {provenance.device}; {provenance.seconds:.1f} s"),
        ("versions", ", ".join(f"{name} {version}" for name, version in provenance.versions.items())),
        ("created", provenance.created),
        ("key", provenance.key),
    ]


def _checkpoint_rows(result: xr.Dataset, provenance: Provenance) -> list[tuple[str, str]]:
    rows = []
    for name, record in zip(_checkpoint_names(result, provenance), provenance.checkpoints, strict=True):
        step = "" if record.step is None else f", step {record.step:,}"
        source = f", from {record.source}" if record.source else ""
        rows.append(
            (
                f"checkpoint {name}",
                f"{record.label} ({record.architecture}{step}{source}), sha256 {record.digest}",
            )
        )
    return rows


def _checkpoint_names(result: xr.Dataset, provenance: Provenance) -> list[str]:
    """The name of each checkpoint: a letter in the figure, its group and number, or its rank in a search."""
    match result.attrs["study"]:
        case "line" | "plane":
            return [mark.letter for mark in marks_of(result, "train")]
        case "search":
            return [f"best {rank}" for rank in range(1, len(provenance.checkpoints) + 1)]
        case _:
            return [
                f"{group.title} {number}".strip()
                for group in groups_of(result)
                for number in range(1, len(group.members) + 1)
            ]

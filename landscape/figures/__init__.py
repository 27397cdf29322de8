"""Pictures of results: result in, figure out. Nothing here computes.

Each name is loaded when it is first used: drawing for the screen does not wait for matplotlib, nor print for plotly.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape.figures.captions import alt_text, caption
    from landscape.figures.captions_training import (
        comparison_alt,
        comparison_caption,
        training_alt,
        training_caption,
    )
    from landscape.figures.export import save_figure, save_training, to_bytes
    from landscape.figures.formats import FORMATS
    from landscape.figures.partial import complete_subgrid
    from landscape.figures.print_comparison import compare_training_print
    from landscape.figures.print_result import draw_print
    from landscape.figures.print_training import draw_training_print
    from landscape.figures.screen import draw
    from landscape.figures.screen_comparison import compare_training
    from landscape.figures.screen_training import draw_training
    from landscape.figures.style import FigureStyle, usual_style
    from landscape.figures.theme import PLOTLY_CONFIG

_PUBLIC = {
    "FORMATS": "landscape.figures.formats",
    "PLOTLY_CONFIG": "landscape.figures.theme",
    "FigureStyle": "landscape.figures.style",
    "alt_text": "landscape.figures.captions",
    "caption": "landscape.figures.captions",
    "compare_training": "landscape.figures.screen_comparison",
    "compare_training_print": "landscape.figures.print_comparison",
    "comparison_alt": "landscape.figures.captions_training",
    "comparison_caption": "landscape.figures.captions_training",
    "complete_subgrid": "landscape.figures.partial",
    "draw": "landscape.figures.screen",
    "draw_print": "landscape.figures.print_result",
    "draw_training": "landscape.figures.screen_training",
    "draw_training_print": "landscape.figures.print_training",
    "save_figure": "landscape.figures.export",
    "save_training": "landscape.figures.export",
    "to_bytes": "landscape.figures.export",
    "training_alt": "landscape.figures.captions_training",
    "training_caption": "landscape.figures.captions_training",
    "usual_style": "landscape.figures.style",
}

__all__ = [
    "FORMATS",
    "PLOTLY_CONFIG",
    "FigureStyle",
    "alt_text",
    "caption",
    "compare_training",
    "compare_training_print",
    "comparison_alt",
    "comparison_caption",
    "complete_subgrid",
    "draw",
    "draw_print",
    "draw_training",
    "draw_training_print",
    "save_figure",
    "save_training",
    "to_bytes",
    "training_alt",
    "training_caption",
    "usual_style",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'landscape.figures' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)

"""`app`: the browser app."""

from pathlib import Path

import click

from landscape.commands.options import home_option


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port on 127.0.0.1."
)
@home_option
@click.option("--browser/--no-browser", default=True, help="Whether to open the page in a browser.")
def app(port: int, home: Path | None, browser: bool) -> None:
    """Open the app. It listens on 127.0.0.1 only."""
    from landscape.service.launch import launch

    launch(port=port, open_browser=browser, home=home)

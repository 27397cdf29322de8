"""`app`: the browser app."""

from pathlib import Path

import click

from landscape.commands.options import home_option
from landscape.commands.values import Number


@click.command()
@click.option(
    "--port",
    type=Number(int),
    default=None,
    help="Port on 127.0.0.1.  [default: 8501, or the next that is free]",
)
@home_option
@click.option("--no-browser", is_flag=True, help="Do not open a browser; the address is printed.")
@click.pass_context
def app(context: click.Context, port: int | None, home: Path | None, no_browser: bool) -> None:
    """Open the app in a browser. It listens on 127.0.0.1 only."""
    from landscape.service.home import Home
    from landscape.service.launch import launch

    context.exit(launch(port=port, open_browser=not no_browser, home=None if home is None else Home(home)))

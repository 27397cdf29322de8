"""The group of all verbs, and the one place where an error becomes a sentence and an exit status."""

from typing import Any

import click

import landscape
from landscape.commands.app import app
from landscape.commands.demo import demo
from landscape.commands.figure import figure
from landscape.commands.pretrained import pretrained
from landscape.commands.search import search
from landscape.commands.studies import diversity, ensemble, fan, line, plane
from landscape.commands.train import train
from landscape.core.errors import LandscapeError, StoppedError

EXIT_WRONG = 2  # as click's own for a wrong call
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Door(click.Group):
    """A group whose verbs may raise `LandscapeError`: its text goes to standard error, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the verb; see the class."""
        try:
            return super().invoke(ctx)
        except StoppedError as error:
            click.echo(str(error), err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except LandscapeError as error:
            click.echo(str(error), err=True)
            ctx.exit(EXIT_WRONG)
        except click.UsageError as error:
            click.echo(f"{_sentence(error)} See `{(error.ctx or ctx).command_path} --help`.", err=True)
            ctx.exit(EXIT_WRONG)
        except KeyboardInterrupt:
            click.echo(
                "Interrupted; what was finished is kept, and the same command goes on from there.", err=True
            )
            ctx.exit(EXIT_INTERRUPTED)


def _sentence(error: click.UsageError) -> str:
    text = error.format_message()
    return text if text.endswith((".", "?")) else f"{text}."


@click.group(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(landscape.__version__, prog_name="landscape")
def main() -> None:
    """See the loss landscape of your own networks.

    A checkpoint is a file, or RUN_DIR@STEP, RUN_DIR@last or RUN_DIR@average. Long work shows its progress on a
    terminal; Ctrl-C stops it, and the same command goes on where it stopped.
    """


for verb in (demo, train, search, line, plane, fan, ensemble, diversity, figure, app, pretrained):
    main.add_command(verb)

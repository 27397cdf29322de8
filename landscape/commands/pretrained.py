"""stub"""
import click
@click.command()
def pretrained() -> None:
    """Stub."""

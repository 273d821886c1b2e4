"""`order-records lifecycle`: what falls due, what a changed policy does, and the way back after a restore."""

import click

from cli.lifecycle_preview import preview
from cli.lifecycle_reapply import reapply
from cli.lifecycle_recompute import recompute
from runtime.logs import configure_verb_logging


@click.group()
def lifecycle() -> None:
    """Preview what falls due, apply a changed policy, and bring back what a restore has lost."""
    configure_verb_logging("lifecycle")


lifecycle.add_command(preview)
lifecycle.add_command(recompute)
lifecycle.add_command(reapply)

"""The processes that run for ever: `consume` and `work`."""

import click

from runtime.process import run
from runtime.settings import load_settings
from service.consume import consume as run_consume
from worker.work import work as run_work


@click.command()
def consume() -> None:
    """Read order-completed events from Kafka and store each exactly once.

    Runs until SIGTERM. Needs ORDER_RECORDS_SECRETS__ID_KEY and __QUARANTINE_KEY.
    As many of these may run as the order topic has partitions.

    \b
    Example: ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS=kafka:9092 order-records consume
    """  # noqa: D301 - click reads \b as the character
    run("consume", load_settings(), run_consume)


@click.command()
def work() -> None:
    """Anonymize and delete what is due, and announce it on the audit topic.

    Runs until SIGTERM. One replica leads, the others stand by and take over.

    \b
    Example: ORDER_RECORDS_MONGO__URI=mongodb://mongo:27017/?replicaSet=rs0 order-records work
    """  # noqa: D301 - click reads \b as the character
    run("work", load_settings(), run_work)

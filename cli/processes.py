"""The processes that run for ever: `consume`, `work` and `serve`."""

import click

from runtime.process import run
from runtime.settings import load_settings
from service.consume import consume as run_consume
from service.serve import serve as run_serve
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


@click.command()
def serve() -> None:
    """Serve the REST API: order records, configuration, and how erasure stands.

    Runs until SIGTERM. Needs ORDER_RECORDS_SECRETS__ID_KEY, ORDER_RECORDS_AUTH__ISSUER, __AUDIENCE
    and one source of keys. As many of these may run as are needed.

    \b
    Example: ORDER_RECORDS_AUTH__JWKS_FILE=keys.json order-records serve
    """  # noqa: D301 - click reads \b as the character
    run("serve", load_settings(), run_serve)

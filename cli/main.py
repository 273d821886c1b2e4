"""The `order-records` command: its groups of verbs, and what an error looks like to whoever typed it."""

import sys
from typing import Final

import click

from cli.interrupts import ends_at_once

with ends_at_once():
    from cli.audit import audit
    from cli.check import check
    from cli.dev import dev
    from cli.doctor import doctor
    from cli.keys import keys
    from cli.lifecycle import lifecycle
    from cli.processes import consume, serve, work
    from cli.quarantine import quarantine
    from cli.sample import sample
    from cli.token import token
    from cli.trace import trace
    from records.mongo.errors import StoreError
    from records.mongo.restored import TrailAhead, WentBack
    from records.mongo.startup import SettingsDiffer
    from runtime.environment import variable
    from runtime.errors import UserError

WRONG_CALL: Final = 64
"""EX_USAGE of sysexits.h: the command line itself was wrong."""


@click.group()
@click.version_option(package_name="order-records")
def order_records() -> None:
    """Stores finished orders exactly once, erases people on time, and announces every act.

    Settings are environment variables that begin with ORDER_RECORDS_ (docs/settings.md).
    """


_SERVICE: Final = (consume, serve, work, dev, doctor)
_PEOPLE: Final = (sample, check, keys, token, quarantine, trace, lifecycle, audit)
for _verb in (*_SERVICE, *_PEOPLE):
    order_records.add_command(_verb)


def main() -> None:
    """Runs a verb; exit code 0 only for success, 64 for a wrong call, 1 for an error the user can act on."""
    try:
        order_records.main(standalone_mode=False)
    except click.exceptions.Exit as wish:
        sys.exit(wish.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(WRONG_CALL)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except click.Abort:
        sys.exit(130)
    except (UserError, SettingsDiffer, TrailAhead, WentBack) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except StoreError as error:
        click.echo(
            f"Error: MongoDB does not do what is asked ({error}): see {variable('mongo', 'uri')}", err=True
        )
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The steps of `work` at which a test may have a fault: lease, a sweep's transaction, relay, notary."""

from typing import Any

import records.mongo.outbox
import records.mongo.sweep
import records.mongo.transaction
import worker.leader
import worker.relay
import worker.sweeper
from records.mongo.lease import Lease
from tests.e2e.faults import Faults, replace
from worker.checkpoint_writer import CheckpointWriter
from worker.notary import Notary


def between_steps_of_work(faults: Faults) -> None:
    """Puts the faults between the steps of this process."""
    leader: Any = worker.leader
    sweep: Any = records.mongo.sweep
    replace(leader, "_lead", faults.around(leader._lead, "leading", None))
    replace(Lease, "acquire", faults.around(Lease.acquire, "renewing", None))
    replace(sweep, "_select", faults.around(sweep._select, None, "selected"))
    replace(sweep, "_change", faults.around(sweep._change, None, "changed"))
    outbox: Any = records.mongo.outbox
    replace(outbox, "append", faults.around(outbox.append, None, "written"))
    transaction: Any = records.mongo.transaction
    replace(transaction, "_commit", faults.within(transaction._commit, "ending"))
    sweeper: Any = worker.sweeper
    replace(sweeper, "sweep", faults.around(sweeper.sweep, None, "swept"))
    relay: Any = worker.relay
    replace(relay.Relay, "_send", faults.around(relay.Relay._send, "sending", "acknowledged"))
    replace(relay, "remove", faults.within(relay.remove, "removing"))
    _between_steps_of_the_notary(faults)


def _between_steps_of_the_notary(faults: Faults) -> None:
    look = Notary._last_checkpoints
    replace(Notary, "_last_checkpoints", faults.around(look, "looking", "found"))
    replace(Notary, "_round", faults.around(Notary._round, "reading", None))
    replace(Notary, "_sign", faults.around(Notary._sign, "signing", None))
    replace(CheckpointWriter, "_send", faults.within(CheckpointWriter._send, "noting"))
    replace(CheckpointWriter, "write", faults.around(CheckpointWriter.write, "signed", "noted"))

"""`order-records audit`: the trail for those who have to believe it, or to show it."""

import click

from cli.audit_begin import begin
from cli.audit_export import export
from cli.audit_policy import policy
from cli.audit_proof import proof, verify_proof
from cli.audit_show import show
from cli.audit_verify import verify
from cli.audit_witness import witness
from runtime.logs import configure_verb_logging


@click.group()
def audit() -> None:
    """Verify, export, show and co-sign the audit trail, prove one order's events, begin another trail."""
    configure_verb_logging("audit")


for _verb in (verify, export, show, policy, proof, verify_proof, witness, begin):
    audit.add_command(_verb)

"""How MongoDB is: reachable, fit for transactions, right about the time, and silent about people."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.finding import Check, Finding, ok, problem, warning
from records.clock import MAX_DIFFERENCE, ClockUntrusted, require_agreement
from records.mongo.client import CALL_SECONDS
from records.mongo.diagnosis import Profiler, ServerFacts, ServerParameters
from runtime.environment import variable

TESTED_MAJOR: Final = 6
TRANSACTION_SECONDS: Final = 15
MAX_TRANSACTION_SECONDS: Final = 60
_URI: Final = variable("mongo", "uri")
_OTHERS: Final = frozenset({"RSSecondary", "RSArbiter", "RSOther", "RSGhost"})
"""The members of a replica set that take no writes, as the driver names them."""
_MILLISECONDS: Final = int(CALL_SECONDS * 1000)


def judge_away(answer: Unanswered, servers: Mapping[str, str]) -> Finding:
    """MongoDB cannot be used; `servers` are those that the driver found, and their part in the set."""
    if answer.refused:
        return problem(
            Check.MONGODB, f"cannot be used: {answer.why}", f"See user, password and options in {_URI}."
        )
    if not servers:
        return problem(
            Check.MONGODB,
            "no server that belongs to the replica set of that name",
            f"See replicaSet in {_URI}; a lone server must be made a replica set, if of one member.",
        )
    if others := [f"{server} ({part})" for server, part in servers.items() if part in _OTHERS]:
        return problem(
            Check.MONGODB,
            f"no primary among {', '.join(others)}",
            "Wait for an election, or see why the replica set has none.",
        )
    return problem(
        Check.MONGODB,
        f"no answer from {', '.join(servers)}: {answer.why}",
        f"See host, port, replica set name and TLS in {_URI}, and that the server runs.",
    )


def judge_server(facts: ServerFacts) -> Finding:
    """The server that answered."""
    if not facts.has_transactions:
        return problem(
            Check.MONGODB,
            f"version {facts.version}, a lone server",
            "Make it a replica set, if of one member: a lone server takes no transactions.",
        )
    if not facts.writable:
        return problem(
            Check.MONGODB,
            f"version {facts.version}, and it is not the primary",
            f"Name the whole replica set in {_URI}, without directConnection.",
        )
    seen = f"version {facts.version}, and there is a primary"
    if int(facts.version.partition(".")[0]) < TESTED_MAJOR:
        return warning(
            Check.MONGODB, seen, f"Go to version {TESTED_MAJOR} or later: no older one was tested."
        )
    return ok(Check.MONGODB, seen)


def judge_clocks(facts: ServerFacts) -> Finding:
    """Whether this machine's clock and MongoDB's agree (design section 6)."""
    try:
        require_agreement(facts.before, facts.time, facts.after)
    except ClockUntrusted as error:
        return problem(
            Check.CLOCKS,
            str(error),
            f"Set both right (NTP): over {MAX_DIFFERENCE.seconds} s apart, nothing is stored or erased.",
        )
    apart = max(facts.before - facts.time, facts.time - facts.after, timedelta())
    return ok(Check.CLOCKS, f"this machine's and MongoDB's are {apart.total_seconds():.1f} s apart")


def judge_transactions(parameters: ServerParameters | Unanswered) -> Finding:
    """How long a killed process can block others."""
    advice = f"transactionLifetimeLimitSeconds should be {TRANSACTION_SECONDS}"
    if isinstance(parameters, Unanswered):
        return warning(
            Check.TRANSACTIONS,
            f"their time limit is not told: {parameters.why}",
            f"Ask whoever runs MongoDB ({advice}), or let this user ask (role clusterMonitor).",
        )
    limit = parameters.transaction_seconds
    if limit is None:
        return warning(
            Check.TRANSACTIONS, "a router does not tell their time limit", f"Ask each shard: {advice}."
        )
    if limit > MAX_TRANSACTION_SECONDS:
        return warning(
            Check.TRANSACTIONS,
            f"may last {limit:g} s",
            f"A process that is killed inside one blocks others until then: {advice}.",
        )
    better = f"; {TRANSACTION_SECONDS} s would be better" if limit > TRANSACTION_SECONDS else ""
    return ok(Check.TRANSACTIONS, f"may last {limit:g} s{better}")


def judge_log(parameters: ServerParameters | Unanswered, profiler: Profiler | Unanswered) -> list[Finding]:
    """Whether MongoDB writes down queries with the values in them: erasure does not reach its log."""
    if isinstance(profiler, Unanswered):
        return [
            warning(
                Check.MONGODB_LOG,
                f"what is logged of slow queries is not told: {profiler.why}",
                "Ask whoever runs MongoDB, or let this user ask (enableProfiler on the database).",
            )
        ]
    return [_judge_log(parameters, profiler), _judge_profiler(profiler.level)]


def _judge_log(parameters: ServerParameters | Unanswered, profiler: Profiler) -> Finding:
    check = Check.MONGODB_LOG
    if not isinstance(parameters, Unanswered):
        if parameters.log_redacted:
            return ok(check, "redacted (redactClientLogData)")
        if parameters.log_verbose:
            return warning(
                check, "verbose: it holds queries with their values", "Set logComponentVerbosity back to 0."
            )
    if profiler.filtered:
        return warning(
            check,
            "a filter decides which operations are logged with their values",
            "See that it lets none pass that touches the database, or have the log redacted.",
        )
    if profiler.share == 0 or profiler.slow_milliseconds >= _MILLISECONDS:
        return ok(check, "no query of ours is slow enough to be logged")
    return warning(
        check,
        f"queries over {profiler.slow_milliseconds} ms are logged with their values",
        f"Raise slowms to {_MILLISECONDS} (no query of ours takes longer), have the log redacted, or let it "
        "expire before the shortest clean-up time.",
    )


def _judge_profiler(level: int) -> Finding:
    if level == 0:
        return ok(Check.PROFILER, "off")
    return warning(
        Check.PROFILER,
        f"level {level}: the collection system.profile keeps operations with their values",
        "Switch it off (db.setProfilingLevel(0)) and drop system.profile: erasure does not reach it.",
    )

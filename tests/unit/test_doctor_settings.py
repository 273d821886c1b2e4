"""What `doctor` says of the settings, and of how they fit the database."""

import base64
import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.diagnosis.asking import Unanswered
from cli.diagnosis.deployment import judge_enabled, judge_settings
from cli.diagnosis.examine import settings_refused
from cli.diagnosis.finding import Check, Finding, Level, ok, problem, warning
from cli.doctor import doctor, report
from records.keys import RecordKeys
from records.mongo.configuration import Configuration
from runtime.environment import variable
from runtime.errors import UserError
from runtime.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "operator.md"
KEY, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
ID_KEY = "ORDER_RECORDS_SECRETS__ID_KEY"
ALL_KEYS = {variable("secrets", name): KEY for name in ("id_key", "quarantine_key", "audit_signing_key")}
FINGERPRINT = RecordKeys.derive(bytes([1]) * 32).fingerprint
AWAY = Unanswered("MongoDB does not answer")


def judged(bound: dict[str, str] | Unanswered, **environ: str) -> dict[Check, Finding]:
    return {each.check: each for each in judge_settings(load_settings(ALL_KEYS | environ), bound)}


def bound_at_first_start(**environ: str) -> dict[str, str]:
    return load_settings(environ).bound(FINGERPRINT)


def test_settings_as_at_the_first_start_are_in_order() -> None:
    findings = judged(bound_at_first_start())

    assert {finding.level for finding in findings.values()} == {Level.OK}
    assert "365 days" in findings[Check.EVENT_AGE].seen
    assert "400" in findings[Check.EVENT_AGE].seen


def test_any_other_day_than_24_hours_is_a_problem() -> None:
    for seconds in ("1", "86399", "86400.5"):
        finding = judged({}, ORDER_RECORDS_RETENTION__DAY_SECONDS=seconds)[Check.DAY]
        assert finding.level is Level.PROBLEM
        assert "ORDER_RECORDS_RETENTION__DAY_SECONDS" in finding.next
    assert judged({}, ORDER_RECORDS_RETENTION__DAY_SECONDS="86400")[Check.DAY].level is Level.OK


def test_settings_that_differ_from_the_first_start_are_named_without_their_values() -> None:
    changed = {"ORDER_RECORDS_AUDIT__LOG_NAME": "other", "ORDER_RECORDS_RETENTION__BASE": "orderRecordDate"}
    finding = judged(bound_at_first_start(), **changed)[Check.BOUND]

    assert finding.level is Level.PROBLEM
    assert all(name in finding.seen for name in changed)
    assert "DAY_SECONDS" not in finding.seen
    assert "orderRecordDate" not in finding.seen


def test_a_database_that_nobody_has_used_is_in_order() -> None:
    findings = judged({})
    assert findings[Check.BOUND].level is findings[Check.ID_KEY].level is Level.OK


def test_what_cannot_be_compared_is_said_once() -> None:
    findings = judged(AWAY)
    assert [each.check for each in findings.values() if each.level is not Level.OK] == [Check.BOUND]


def test_another_id_key_is_a_problem_and_neither_key_is_shown() -> None:
    finding = judged(bound_at_first_start(), **{ID_KEY: OTHER})[Check.ID_KEY]

    assert finding.level is Level.PROBLEM
    assert not any(secret in repr(finding) for secret in (KEY, OTHER, FINGERPRINT))


@pytest.mark.parametrize("name", ALL_KEYS)
def test_a_secret_that_is_not_set_is_a_warning_that_names_the_variable(name: str) -> None:
    missing = [
        each for each in judged(bound_at_first_start(), **{name: ""}).values() if each.level is not Level.OK
    ]

    assert [each.level for each in missing] == [Level.WARNING]
    assert name in missing[0].next


@pytest.mark.parametrize(
    ("stored", "on_first_start", "level", "word"),
    [
        (Configuration(enabled=True, version=1), None, Level.OK, ""),
        (Configuration(enabled=False, version=2), None, Level.WARNING, "/api/configurations/orderrecords"),
        (Configuration(), None, Level.WARNING, "ORDER_RECORDS_ENABLED_ON_FIRST_START=true"),
        (Configuration(), True, Level.WARNING, "Start a process"),
        (AWAY, None, Level.PROBLEM, "named below"),
    ],
)
def test_it_says_whether_order_records_are_enabled_and_how_to_enable_them(
    stored: Configuration | Unanswered, *, on_first_start: bool | None, level: Level, word: str
) -> None:
    finding = judge_enabled(stored, on_first_start=on_first_start)
    assert (finding.check, finding.level) == (Check.ENABLED, level)
    assert word in finding.next


def test_a_decision_that_was_made_is_not_undone_by_a_start() -> None:
    finding = judge_enabled(Configuration(enabled=False, version=1), on_first_start=True)
    assert "Start" not in finding.next


def reported(
    capsys: pytest.CaptureFixture[str], findings: list[Finding], *, as_json: bool
) -> tuple[int, str]:
    code = report(findings, as_json=as_json)
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"), [(ID_KEY, "c2VjcmV0"), ("ORDER_RECORDS_RETENTION__MAX_EVENT_AGE_DAYS", "400")]
)
def test_settings_that_are_refused_are_findings_without_the_value(
    capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    with pytest.raises(UserError) as refusal:
        load_settings({name: value})
    code, output = reported(capsys, settings_refused(str(refusal.value)), as_json=True)
    document = json.loads(output)

    assert (code, document["problems"], document["warnings"]) == (1, 2, 0)
    assert [each["name"] for each in document["findings"]] == ["order records", "settings"]
    assert name in document["findings"][1]["seen"]
    assert "c2VjcmV0" not in output


def test_warnings_alone_are_no_failure_and_what_is_ok_needs_nothing_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    findings = [ok(Check.KAFKA, "answers"), warning(Check.GROUP, "[0 members]", "Start it.")]

    code, output = reported(capsys, findings, as_json=True)

    assert (code, json.loads(output)) == (
        0,
        {
            "problems": 0,
            "warnings": 1,
            "findings": [
                {"level": "ok", "name": "kafka", "seen": "answers"},
                {"level": "warning", "name": "consumer group", "seen": "[0 members]", "next": "Start it."},
            ],
        },
    )


def test_the_table_for_people_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    findings = [ok(Check.KAFKA, "answers"), problem(Check.GROUP, "[0 members]", "Start it.")]
    code, output = reported(capsys, findings, as_json=False)

    assert code == 1
    assert re.search(r"^ok +kafka +answers", output, re.MULTILINE)
    assert re.search(r"^problem +consumer group +\[0 members\] +Start it\.", output, re.MULTILINE)
    assert "\n1 problem, 0 warnings\n" in output


def test_the_help_has_an_example() -> None:
    assert "Example: order-records doctor\n" in CliRunner().invoke(doctor, ["--help"]).output


@pytest.mark.parametrize("arguments", [["now"], ["--yaml"]])
def test_a_wrong_call_is_told_apart(arguments: list[str]) -> None:
    with pytest.raises(click.UsageError):
        doctor.main(arguments, standalone_mode=False)


def test_every_check_has_its_row_on_the_operators_page() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## Doctor")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][2:]
    assert rows == [check.value for check in Check]

"""The alarm rules ask for figures that exist, by labels that they have, so the two cannot drift apart."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # comes with kubernetes-validate, without types
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from runtime import metrics

ROOT: Final = Path(__file__).resolve().parents[2]
FILE: Final = ROOT / "deploy" / "alerts.yml"
DURATION: Final = re.compile(r"\d+[smhd]")
NAME: Final = re.compile(r"\border_records_\w+")
GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) ?\(([^)]*)\)")
MATCHERS: Final = re.compile(r"\b(order_records_\w+)\{([^}]*)\}")
IN_TEXT: Final = re.compile(r"\$labels\.(\w+)")
OF_EVERY_TARGET: Final = {"instance", "job", "pod", "namespace"}

MUST_ALARM: Final = {
    "order_records_oldest_overdue_seconds",
    "order_records_overdue",
    "order_records_sweep_last_success_timestamp_seconds",
    "order_records_sweep_failed_records",
    "order_records_leader",
    "order_records_clock_stopped",
    "order_records_outbox_oldest_seconds",
    "order_records_last_attestation_timestamp_seconds",
}
"""Each of these is an erasure that does not happen, or that nobody can prove."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def exported() -> dict[str, set[str]]:
    """Every series that our processes export, with its labels."""
    return {name: labels for metric in vars(metrics).values() for name, labels in series(metric)}


def series(metric: Any) -> Iterator[tuple[str, set[str]]]:
    if not isinstance(metric, MetricWrapperBase):
        return
    labels = set(metric._labelnames)
    if isinstance(metric, Counter):
        yield f"{metric._name}_total", labels
    elif isinstance(metric, Histogram):
        yield from ((f"{metric._name}_{end}", labels) for end in ("count", "sum"))
        yield f"{metric._name}_bucket", labels | {"le"}
    else:
        yield metric._name, labels


def words(text: str) -> set[str]:
    return {word.strip() for word in text.split(",") if word.strip()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_figures_that_exist_by_labels_that_they_have(rule: dict[str, Any]) -> None:
    known, expression = exported(), rule["expr"]
    names = set(NAME.findall(expression))
    assert names
    assert names <= known.keys()
    labels = set.union(*(known[name] for name in names)) | OF_EVERY_TARGET
    grouped = [words(found) for found in GROUPING.findall(expression)]
    assert set().union(*grouped) <= labels
    for name, matchers in MATCHERS.findall(expression):
        assert {re.split(r"[=!]", each)[0].strip() for each in words(matchers)} <= known[name]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_says_what_is_the_matter_and_how_bad_it_is(rule: dict[str, Any]) -> None:
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert DURATION.fullmatch(rule.get("for", "0s"))
    assert rule["labels"]["severity"] in {"critical", "warning"}
    summary = rule["annotations"]["summary"]
    shown = {each for found in GROUPING.findall(rule["expr"]) for each in words(found)}
    assert set(IN_TEXT.findall(summary)) <= shown
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"OrderRecords[A-Z]\w+", name) for name in names)


def test_whatever_keeps_people_from_being_erased_raises_an_alarm() -> None:
    asked = {name for rule in rules() for name in NAME.findall(rule["expr"])}
    assert asked >= MUST_ALARM


def test_a_figure_that_is_gone_and_a_label_that_it_does_not_have_would_be_found() -> None:
    known = exported()
    assert "order_records_overdue_total" not in known
    assert known["order_records_overdue"] == {"action"}
    assert known["order_records_store_seconds_bucket"] == {"le"}
    assert known["order_records_offsets_lost_total"] == {"topic", "partition"}

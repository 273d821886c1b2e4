"""The pages say what the code does: no code, metric, dependency, event type or link is forgotten."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from pydantic import TypeAdapter

from audit.events import AuditEvent
from audit.templates import canonical
from cli.main import order_records
from records.erasure import ERASURE_TABLE, Each, KeepAmong, Members, Rule
from records.reasons import Reason
from runtime import metrics
from service.events import IncomingOrder, decode

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
FOLDERS: Final = (
    "records",
    "audit",
    "runtime",
    "service",
    "worker",
    "local",
    "cli",
    "deploy",
    "tests",
    "benchmarks",
)
LINK: Final = re.compile(r"\[[^\]]*\]\((?!https?:)([^)\s]+)\)")
JSON_BLOCK: Final = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
BINARY_HEADERS: Final = re.compile(r"^(ce_\w+|content-type): (\S+)$", re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> list[str]:
    """What stands in backquotes at the start of a table's rows."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def metric_names() -> Iterator[str]:
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            yield f"{metric._name}_total" if isinstance(metric, Counter) else metric._name


def dependencies() -> list[str]:
    project = tomllib.loads(page("pyproject.toml"))
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    lines = sum([*extras, *groups], project["project"]["dependencies"])
    return [re.split(r"[^A-Za-z0-9_-]", line, maxsplit=1)[0] for line in lines]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_words(rule: Rule) -> Iterator[str]:
    match rule:
        case Members(rules):
            for name, child in rules.items():
                yield name
                yield from table_words(child)
        case Each(rules, only_categories):
            yield from (*only_categories, *table_words(rules))
        case KeepAmong(values, otherwise):
            yield from values if otherwise is None else (*values, otherwise)


def code_files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")
    yield from (ROOT / "pyproject.toml", ROOT / "Makefile")


def test_every_reason_code_has_its_section_on_the_publishers_page() -> None:
    codes = page("docs/publisher.md").split("## Reason codes")[1].split("\n## ")[0]
    heads = re.findall(r"^### `(\w+)`$", codes, re.MULTILINE)
    texts = re.split(r"^### .*$", codes, flags=re.MULTILINE)[1:]
    assert heads == [reason.value for reason in Reason]
    assert min(len(text.strip()) for text in texts) > 80


def test_the_examples_of_the_publishers_page_are_accepted() -> None:
    text = page("docs/publisher.md")
    headers = [(name, value.encode()) for name, value in BINARY_HEADERS.findall(text)]
    structured, binary, envelope = (block.encode() for block in JSON_BLOCK.findall(text))
    for value, given in ((structured, []), (binary, headers), (envelope, [])):
        incoming = decode(value, given)
        assert isinstance(incoming, IncomingOrder)
        assert incoming.unknown_members == 0


def test_every_metric_has_its_row_on_the_operators_page() -> None:
    figures = page("docs/operator.md").split("## Metrics")[1].split("\n## ")[0]
    assert sorted(rows(figures)) == sorted(metric_names())


def test_every_dependency_has_its_reason() -> None:
    assert sorted(rows(page("docs/decisions/dependencies.md"))) == sorted(dependencies())


def test_every_type_of_audit_event_has_an_example_that_keeps_the_schema() -> None:
    text = page("docs/compliance.md")
    schema: TypeAdapter[Any] = TypeAdapter(AuditEvent)
    blocks = [block.strip().encode() for block in JSON_BLOCK.findall(text)]
    examples = [schema.validate_json(block) for block in blocks]
    types = [
        get_args(model.model_fields["type"].annotation)[0] for model in get_args(get_args(AuditEvent)[0])
    ]

    assert [event.type for event in examples] == types
    assert len({event.id for event in examples}) == len(examples)
    assert [canonical(event.model_dump(by_alias=True)) for event in examples] == blocks
    assert all(f"### `{name}`\n" in text for name in types)


@pytest.mark.parametrize("word", sorted(set(table_words(ERASURE_TABLE))))
def test_the_compliance_page_names_every_member_of_the_erasure_table(word: str) -> None:
    table = page("docs/compliance.md").split("## What is left after the clean-up date")[1].split("\n## ")[0]
    assert re.search(rf"\b{word}\b", table)


@pytest.mark.parametrize("source", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_resolves(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        name, _, anchor = link.partition("#")
        target = source.parent / name if name else source
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_decision_that_is_mentioned_exists_and_is_listed() -> None:
    there = {path.name for path in (DOCS / "decisions").glob("*.md")} - {"README.md"}
    mentioned = {
        name
        for path in code_files()
        for name in re.findall(r"docs/decisions/([a-z-]+\.md)", path.read_text(encoding="utf-8"))
    }
    listed = re.findall(r"\]\(([a-z-]+\.md)\)", page("docs/decisions/README.md"))

    assert mentioned <= there
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("name", ["README.md", "docs/faults.md"])
def test_every_test_that_a_page_names_exists(name: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", page(name))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_readme_lists_every_verb() -> None:
    listed = rows(page("README.md").split("## Processes and verbs")[1].split("\n## ")[0])
    assert sorted(listed) == sorted(f"order-records {verb}" for verb in order_records.commands)

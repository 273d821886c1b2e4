"""Settings: what is read, what is refused, and that nothing secret is said."""

import base64
from pathlib import Path

import pytest

from runtime.errors import UserError
from runtime.settings import Settings, load_settings
from runtime.settings_page import settings_page

KEY = base64.b64encode(bytes(range(32))).decode()
CANARY = "canary-7f3a"


def refused(**values: str) -> str:
    with pytest.raises(UserError) as caught:
        load_settings({f"ORDER_RECORDS_{name}": value for name, value in values.items()})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def loaded(**values: str) -> Settings:
    return load_settings({f"ORDER_RECORDS_{name}": value for name, value in values.items()})


def test_without_any_variable_every_setting_has_its_documented_default() -> None:
    settings = load_settings({})

    assert settings.mongo.uri.get_secret_value() == "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    assert settings.kafka.servers == ["127.0.0.1:9092"]
    assert settings.kafka.create_topics is False
    assert settings.audit.log_name == "order-records"
    assert (settings.retention.ledger_days, settings.retention.max_event_age_days) == (400, 365)
    assert settings.enabled_on_first_start is None


def test_values_come_from_the_mapping_by_group_and_name() -> None:
    settings = loaded(
        KAFKA__BOOTSTRAP_SERVERS="one:9092, [::1]:9093",
        AUTH__AUDIENCE="orders, returns",
        RETENTION__DAY_SECONDS="0.5",
        ENABLED_ON_FIRST_START="true",
    )

    assert settings.kafka.servers == ["one:9092", "[::1]:9093"]
    assert settings.auth.audience == ("orders", "returns")
    assert settings.retention.day_seconds == 0.5
    assert settings.enabled_on_first_start is True


def test_an_empty_value_counts_as_unset() -> None:
    assert loaded(HEALTH__PORT="", SECRETS__ID_KEY="", SECRETS__ID_KEY_FILE="") == load_settings({})


def test_each_process_has_its_own_health_port_unless_one_is_set() -> None:
    settings = load_settings({})

    assert [settings.health_port(name) for name in ("consume", "work", "serve")] == [8081, 8082, 8083]
    assert loaded(HEALTH__PORT="9000").health_port("work") == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO__URI", CANARY),
        ("MONGO__DRIVER", CANARY),
        ("KAFKA__BOOTSTRAP_SERVERS", f"{CANARY},"),
        ("KAFKA__ORDER_TOPIC", f"{CANARY}/x"),
        ("KAFKA__CREATE_TOPICS", CANARY),
        ("CONSUMER__MAX_RECORDS", "1001"),
        ("CONSUMER__MAX_RECORDS", "0"),
        ("API__PORT", "65536"),
        ("HEALTH__PORT", CANARY),
        ("AUDIT__LOG_NAME", f"{CANARY} x"),
        ("AUDIT__LOG_NAME", f"{CANARY}+x"),
        ("AUDIT__PUBLIC_KEYS", CANARY),
        ("RETENTION__DAY_SECONDS", "0"),
        ("RETENTION__DAY_SECONDS", "nan"),
        ("RETENTION__DAY_SECONDS", "inf"),
        ("RETENTION__BASE", CANARY),
        ("WORKER__BATCH_SIZE", "1001"),
        ("WORKER__LEASE_SECONDS", "2.9"),
        ("LOG__LEVEL", CANARY),
        ("ENABLED_ON_FIRST_START", CANARY),
        ("SECRETS__ID_KEY", CANARY),
        ("SECRETS__QUARANTINE_KEY", base64.b64encode(CANARY.encode()).decode()),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable_without_being_shown(
    name: str, value: str
) -> None:
    text = refused(**{name: value})

    assert text.startswith(f"ORDER_RECORDS_{name} should ")
    assert CANARY not in text


def test_several_bad_values_are_named_in_the_same_line() -> None:
    text = refused(API__PORT="x", RETENTION__BASE="x")

    assert "ORDER_RECORDS_API__PORT" in text
    assert "ORDER_RECORDS_RETENTION__BASE" in text


def test_a_misspelt_variable_is_refused_with_the_nearest_name() -> None:
    text = refused(KAFKA__BOOTSTRAP_SERVER="a:1")

    assert text.startswith("ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVER is not a setting")
    assert text.endswith("ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS?")


def test_variables_of_the_tests_of_others_and_of_kubernetes_services_are_left_alone() -> None:
    names = {
        "ORDER_RECORDS_TEST_KAFKA": "a:1",
        "ORDER_RECORDS_SERVE_SERVICE_HOST": "10.0.0.1",
        "ORDER_RECORDS_SERVE_SERVICE_PORT_HTTP": "80",
        "ORDER_RECORDS_SERVE_PORT": "tcp://10.0.0.1:80",
        "ORDER_RECORDS_SERVE_PORT_80_TCP_ADDR": "10.0.0.1",
        "PATH": "/bin",
    }

    assert load_settings(names) == load_settings({})


def test_a_misspelt_port_is_not_taken_for_a_kubernetes_service() -> None:
    assert "ORDER_RECORDS_API__PORT?" in refused(API_PORT="8080")


def test_the_ledger_must_outlive_every_event_that_is_accepted() -> None:
    text = refused(RETENTION__LEDGER_DAYS="365")

    assert "ORDER_RECORDS_RETENTION__LEDGER_DAYS" in text
    assert "ORDER_RECORDS_RETENTION__MAX_EVENT_AGE_DAYS" in text


def test_the_three_topics_must_differ() -> None:
    assert "ORDER_RECORDS_KAFKA__ORDER_TOPIC" in refused(KAFKA__ORDER_TOPIC="order-records.audit")


def test_sasl_without_a_user_is_refused() -> None:
    assert "ORDER_RECORDS_KAFKA__SASL_USERNAME" in refused(KAFKA__SECURITY_PROTOCOL="SASL_SSL")


def test_a_secret_comes_from_a_variable_or_from_the_stripped_content_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"\n {KEY}\n")

    assert loaded(SECRETS__ID_KEY=KEY).secrets.require("id_key") == bytes(range(32))
    assert loaded(SECRETS__ID_KEY_FILE=str(file)).secrets.require("id_key") == bytes(range(32))


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    text = refused(SECRETS__ID_KEY=KEY, SECRETS__ID_KEY_FILE=str(tmp_path))

    assert "ORDER_RECORDS_SECRETS__ID_KEY and ORDER_RECORDS_SECRETS__ID_KEY_FILE" in text
    assert KEY not in text


@pytest.mark.parametrize("content", [CANARY, "", "\xff", None])
def test_a_file_that_holds_no_key_is_refused_by_the_variable_that_names_it(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content, encoding="latin-1")

    text = refused(SECRETS__QUARANTINE_KEY_FILE=str(file))

    assert text.startswith("ORDER_RECORDS_SECRETS__QUARANTINE_KEY_FILE should ")
    assert CANARY not in text


def test_a_process_requires_only_the_secrets_that_it_names() -> None:
    settings = loaded(SECRETS__ID_KEY=KEY)

    settings.require_secrets("id_key")
    with pytest.raises(UserError, match=r"ORDER_RECORDS_SECRETS__QUARANTINE_KEY .*`order-records keys`"):
        settings.require_secrets("id_key", "quarantine_key")


def test_settings_do_not_show_their_secrets_when_printed() -> None:
    settings = loaded(
        SECRETS__ID_KEY=KEY,
        MONGO__URI=f"mongodb://u:{CANARY}@h/",
        AUTH__HS256_SECRET=CANARY,
        KAFKA__SASL_PASSWORD=CANARY,
    )

    assert CANARY not in repr(settings)
    assert repr(bytes(range(32))) not in repr(settings)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).api.port = 1  # type: ignore[misc]  # that it is refused is the point


def test_the_page_of_the_settings_is_the_one_generated_from_the_code() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"

    assert page.read_text() == settings_page()

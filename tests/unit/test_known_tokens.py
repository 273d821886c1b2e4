"""A token that was verified before is believed no longer than one that is seen for the first time."""

import time

from runtime.settings import Auth
from service.api.auth import Authenticator
from service.api.claims import LEEWAY_SECONDS
from service.api.jwk_set import Key, TokenHeader, read_jwks
from service.api.keys import SharedSecret
from service.api.known_tokens import KnownTokens
from tests.tokens import AUDIENCE, ISSUER, SECRET, claims, good, jwk, jwks, refusal, rsa_key, segment, signed

SETTINGS = Auth(issuer=ISSUER, audience=(AUDIENCE,))


class Keys:
    """An issuer's set that changes between two requests."""

    algorithms = frozenset({"RS256"})
    loaded = True

    def __init__(self, document: bytes) -> None:
        self.keys = read_jwks(document)
        self.asked = 0

    def key_for(self, header: TokenHeader) -> Key | None:
        self.asked += 1
        return self.keys.find(header.kid, header.alg)


def test_a_known_token_expires_on_time() -> None:
    now = int(time.time())
    clock = [float(now)]
    authenticator = Authenticator(SETTINGS, SharedSecret(SECRET.encode()), now=lambda: clock[0])
    header = good(exp=now + 60)

    assert authenticator.authenticate(header) == authenticator.authenticate(header)
    clock[0] = now + 59.9 + LEEWAY_SECONDS
    assert authenticator.authenticate(header).subject == "ann"
    clock[0] = now + 60 + LEEWAY_SECONDS
    assert refusal(authenticator, header) == "expired"


def test_a_known_token_ends_with_its_key() -> None:
    keys = Keys(jwks(jwk(rsa_key(), "r")))
    authenticator = Authenticator(SETTINGS, keys)
    header = f"Bearer {signed(rsa_key(), 'RS256', kid='r')}"
    authenticator.authenticate(header)

    keys.keys = read_jwks(jwks(jwk(rsa_key("second"), "other")))
    assert refusal(authenticator, header) == "key"
    keys.keys = read_jwks(jwks(jwk(rsa_key("second"), "r")))
    assert refusal(authenticator, header) == "signature"
    keys.keys = read_jwks(jwks(jwk(rsa_key(), "r"), jwk(rsa_key("second"), "s")))
    assert authenticator.authenticate(header).subject == "ann"


def test_the_key_source_is_asked_for_a_known_token_too() -> None:
    keys = Keys(jwks(jwk(rsa_key(), "r")))
    authenticator = Authenticator(SETTINGS, keys)
    header = f"Bearer {signed(rsa_key(), 'RS256', kid='r')}"
    for _ in range(3):
        authenticator.authenticate(header)

    assert keys.asked == 3


def test_a_known_token_lends_nothing_to_a_changed_one() -> None:
    authenticator = Authenticator(SETTINGS, SharedSecret(SECRET.encode()))
    header = good()
    authenticator.authenticate(header)
    head, _, signature = header.split(".")

    assert refusal(authenticator, f"{head}.{segment(claims(sub='eve'))}.{signature}") == "signature"
    assert refusal(authenticator, header.rpartition(".")[0] + ".") == "signature"


def test_a_refused_token_is_not_known_afterwards() -> None:
    authenticator = Authenticator(SETTINGS, SharedSecret(SECRET.encode()))
    forged = f"Bearer {signed('another secret of thirty-two bytes', 'HS256')}"

    assert [refusal(authenticator, forged) for _ in range(2)] == ["signature"] * 2


def test_only_the_latest_tokens_are_kept_and_none_as_it_is() -> None:
    known = KnownTokens[int](most=2)
    for number in range(4):
        known.keep(f"a.b.{number}", number)

    assert [known.get(f"a.b.{number}") for number in range(4)] == [None, None, 2, 3]
    assert "a.b." not in str(vars(known))

"""Who people are: passwords, and a real provider of OpenID Connect."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from foveal.errors import InvalidRequestError, ProviderUnavailableError, RateLimitError, SignInRefusedError
from foveal.identity import passwords
from foveal.identity.claims import ClaimRules
from foveal.identity.desk import FREE_TRIES, LONGEST_WAIT_S, RENEWED_AFTER, Desk, Throttle
from foveal.identity.openid import PATIENCE_S, OpenIdClient, OpenIdProvider
from foveal.ports.people import IdentityProvider
from foveal.testing.contracts.identity_provider import REDIRECT, IdentityProviderContract
from foveal.testing.contracts.sign_ins import Clock
from foveal.testing.fakes_identity import FakeIdentityProvider, InMemoryAccounts, InMemorySignIns
from foveal.testing.serving import served
from foveal.types.conversations import PersonId
from foveal.types.keys import Role
from foveal.types.people import Account, Departure, Standing

from .provider import API, Provider, running, travel

PEOPLE = {
    "anna": {"name": "Anna", "groups": ["board", "press"], "roles": ["Foveal.Owner", "other"]},
    "bert": {"name": "Bert", "groups": "staff"},
    "many": {"name": "Many", "_claim_names": {"groups": "src1"}},
}
RULES = ClaimRules(
    name="name",
    groups="groups",
    roles="roles",
    values={Role.OWNER: frozenset({"Foveal.Owner"}), Role.CONTRIBUTOR: frozenset({"Foveal.Editor"})},
    default=Role.READER,
)


@pytest.fixture(scope="module")
def real() -> Iterator[Provider]:
    with running(PEOPLE, [REDIRECT]) as provider:
        yield provider


def provider_of(real: Provider, **more: object) -> OpenIdProvider:
    given = {"issuer": real.issuer, "client_id": "foveal", "secret": "secret", "audiences": (API,), "label": "Work"}
    return OpenIdProvider(OpenIdClient(**{**given, **more}), RULES)  # type: ignore[arg-type]


def standing(real: Provider, name: str, **more: object) -> Standing:
    given = {"name": name.title(), "role": Role.READER, "groups": ()}
    return Standing(person=PersonId(f"openid:{real.issuer}#{name}"), **{**given, **more})  # type: ignore[arg-type]


def access_token(real: Provider, person: str, redirect: str = REDIRECT) -> str:
    """As a program of its own gets it: by the flow of the client, with the token kept."""
    there = provider_of(real)
    departure = there.depart(redirect)
    answer = travel(departure.url, person, redirect)
    data = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": redirect,
        "code_verifier": departure.verifier,
    }
    reply = httpx.post(f"{real.issuer}/token", data=data, auth=("foveal", "secret"), trust_env=False)
    token: str = reply.json()["access_token"]
    return token


class TestOpenIdProvider(IdentityProviderContract):
    @pytest.fixture
    def provider(self, real: Provider) -> IdentityProvider:
        return provider_of(real)

    @pytest.fixture
    def anna(self, real: Provider) -> Standing:
        return standing(real, "anna", role=Role.OWNER, groups=("board", "press"))

    @pytest.fixture
    def token(self, real: Provider) -> str:
        return access_token(real, "anna")

    def travel(self, departure: Departure) -> dict[str, str]:
        return travel(departure.url, "anna", REDIRECT)


class TestFakeIdentityProvider(IdentityProviderContract):
    @pytest.fixture
    def anna(self) -> Standing:
        return Standing(person=PersonId("openid:fake#anna"), name="anna", role=Role.READER, groups=())

    @pytest.fixture
    def provider(self, anna: Standing) -> IdentityProvider:
        return FakeIdentityProvider(anna)

    @pytest.fixture
    def token(self) -> str:
        return "token anna"

    def travel(self, departure: Departure) -> dict[str, str]:
        return {"state": departure.state, "code": "anna"}


def test_the_flow_is_the_code_flow_with_pkce(real: Provider) -> None:
    asked = parse_qs(urlsplit(provider_of(real).depart(REDIRECT).url).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["nonce"]
    assert asked["redirect_uri"] == [REDIRECT]


def test_a_public_client_needs_no_secret(real: Provider) -> None:
    there = provider_of(real, client_id="public", secret="")
    departure = there.depart(REDIRECT)
    found = there.arrive(departure, travel(departure.url, "bert", REDIRECT))
    assert found == standing(real, "bert", groups=("staff",))  # one group, given as a text


def test_a_code_taken_from_another_browser_is_worth_nothing(real: Provider) -> None:
    there = provider_of(real)
    departure, thief = there.depart(REDIRECT), there.depart(REDIRECT)
    stolen = travel(departure.url, "anna", REDIRECT)
    with pytest.raises(SignInRefusedError, match="does not take its code back"):
        there.arrive(thief, {**stolen, "state": thief.state})


def test_an_answer_with_the_nonce_of_another_is_refused(real: Provider) -> None:
    there = provider_of(real)
    departure = there.depart(REDIRECT)
    other = Departure(**{**{f: getattr(departure, f) for f in departure.__slots__}, "nonce": "another"})
    with pytest.raises(SignInRefusedError, match="identity token"):
        there.arrive(other, travel(departure.url, "anna", REDIRECT))


def test_who_is_in_too_many_groups_is_told_so(real: Provider) -> None:
    there = provider_of(real)
    departure = there.depart(REDIRECT)
    with pytest.raises(SignInRefusedError, match="more groups than") as refused:
        there.arrive(departure, travel(departure.url, "many", REDIRECT))
    assert "Entra" in refused.value.remedy


def test_a_token_for_another_program_opens_nothing(real: Provider) -> None:
    token = access_token(real, "anna")
    assert provider_of(real).standing(token) is not None
    assert provider_of(real, audiences=("api://other",)).standing(token) is None
    assert provider_of(real, audiences=()).standing(token) is None


def test_a_provider_that_is_not_there_is_said(real: Provider) -> None:
    for issuer in (f"{real.issuer}/nowhere", "http://127.0.0.1:1", "nonsense"):
        there = provider_of(real, issuer=issuer)
        with pytest.raises(ProviderUnavailableError, match="cannot be reached"):
            there.depart(REDIRECT)
        with pytest.raises(ProviderUnavailableError):
            there.standing("a.b.c")


class Keys:
    """A provider's discovery and keys, which the tests change."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.asked = 0
        self.issuer = ""

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["path"] == "/keys":
            self.asked += 1
            body: object = KeySet([self.key]).as_dict(private=False)
        else:
            body = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def token(self, *, header: dict[str, str] | None = None, **claims: object) -> str:
        now = int(time.time())
        given = {"iss": self.issuer, "aud": API, "sub": "anna", "exp": now + 600, "iat": now, **claims}
        kept = {name: value for name, value in given.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": str(self.key.kid), **(header or {})}, kept, self.key)


@pytest.fixture
def keys() -> Iterator[Keys]:
    made = Keys()
    with served(made) as url:
        made.issuer = url
        yield made


def test_only_what_counts_now_counts(keys: Keys) -> None:
    there = provider_of(Provider(keys.issuer))
    now = int(time.time())
    assert there.standing(keys.token()) is not None
    assert there.standing(keys.token(aud=["other", API])) is not None
    assert there.standing(keys.token(exp=now - 30)) is not None  # clocks differ
    for wrong in (
        {"exp": now - 120},
        {"exp": None},
        {"nbf": now + 600},
        {"iss": "https://id.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"nonce": "x"},
    ):
        assert there.standing(keys.token(**wrong)) is None, wrong
    assert keys.asked == 1


def test_a_token_that_nobody_signed_opens_nothing(keys: Keys) -> None:
    there = provider_of(Provider(keys.issuer))
    header, claims, signature = keys.token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    more = base64.urlsafe_b64encode(json.dumps({"sub": "owner"}).encode()).rstrip(b"=").decode()
    for wrong in (f"{none}.{claims}.", f"{none}.{claims}.{signature}", f"{header}.{more}.{signature}"):
        assert there.standing(wrong) is None
    shared = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"1"}').rstrip(b"=").decode() + f".{claims}"
    mac = hmac.digest(keys.key.as_pem(private=False), shared.encode(), "sha256")
    confused = f"{shared}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert there.standing(confused) is None  # signed with the public key as if it were a shared secret
    other = RSAKey.generate_key(2048, {"kid": "1"})
    given = {"iss": keys.issuer, "aud": API, "sub": "anna", "exp": int(time.time()) + 600}
    assert there.standing(jwt.encode({"alg": "RS256", "kid": "1"}, given, other)) is None


def test_new_keys_are_fetched_when_a_token_asks_for_them(keys: Keys) -> None:
    now = [0.0]
    client = OpenIdClient(issuer=keys.issuer, client_id="foveal", audiences=(API,))
    there = OpenIdProvider(client, RULES, clock=lambda: now[0])
    assert there.standing(keys.token()) is not None
    keys.key = RSAKey.generate_key(2048, {"kid": "2"})
    assert there.standing(keys.token()) is None  # not at once: anybody can send tokens with wrong keys
    now[0] += PATIENCE_S
    assert there.standing(keys.token()) is not None
    assert keys.asked == 2


def test_roles_and_groups_are_read_where_the_settings_say() -> None:
    claims = {"iss": "https://id.example", "sub": "7", "email": "a@example.com", "realm_access": {"roles": ["editor"]}}
    rules = ClaimRules(
        name="display",
        groups="https://example.com/groups",
        roles="realm_access.roles",
        values={Role.CONTRIBUTOR: frozenset({"editor"}), Role.OWNER: frozenset({"admin"})},
        default=None,
    )
    found = rules.standing({**claims, "https://example.com/groups": ["a", 7, "a", ""]})
    assert (found.name, found.role, found.groups) == ("a@example.com", Role.CONTRIBUTOR, ("a",))
    with pytest.raises(SignInRefusedError, match="no role"):
        rules.standing({**claims, "realm_access": {"roles": ["guest"]}})
    with pytest.raises(SignInRefusedError, match="no role"):
        rules.standing({**claims, "realm_access": "admin"})


def test_passwords_are_kept_as_argon2_hashes_of_their_own() -> None:
    first, second = passwords.hashed("correct horse battery"), passwords.hashed("correct horse battery")
    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.matches("correct horse battery", first)
    assert not passwords.matches("correct horse batterx", first)
    assert not passwords.matches("correct horse battery", None)
    assert not passwords.matches("x" * 10_000_000, first)
    for wrong in ("short", "x" * 257):
        with pytest.raises(InvalidRequestError):
            passwords.hashed(wrong)


def test_guessing_gets_slower_and_slower() -> None:
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    for _ in range(FREE_TRIES):
        throttle.check("anna", "here")
        throttle.mistaken("anna", "here")
    waited = []
    for _ in range(14):
        with pytest.raises(RateLimitError) as slow:
            throttle.check("anna", "elsewhere")
        with pytest.raises(RateLimitError):
            throttle.check("bert", "here")
        waited.append(slow.value.retry_after_s)
        now[0] += slow.value.retry_after_s or 0
        throttle.check("anna", "elsewhere")
        throttle.mistaken("anna", "here")
    assert waited == [min(2.0**n, LONGEST_WAIT_S) for n in range(14)]
    throttle.check("bert", "elsewhere")
    throttle.right("anna")
    throttle.check("anna", "elsewhere")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Desk:
    made = Desk(InMemoryAccounts(), InMemorySignIns(now=clock), now=clock)
    made.add(Account(name="Anna", groups=("board",), created_at=clock.now), "correct horse battery")
    return made


def test_an_account_counts_as_it_is_now(desk: Desk) -> None:
    token = desk.with_password("ANNA ", "correct horse battery", "here")
    found = desk.find(token)
    assert found is not None
    assert (found.standing.name, found.standing.role, found.standing.groups) == ("anna", Role.READER, ("board",))
    desk.change("anna", lambda account: Account(name="anna", role=Role.OWNER, groups=(), created_at=account.created_at))
    changed = desk.find(token)
    assert changed is not None
    assert (changed.standing.role, changed.standing.groups) == (Role.OWNER, ())
    desk.set_password("anna", "another long password")
    assert desk.find(token) is None
    again = desk.with_password("anna", "another long password", "here")
    desk.remove("anna")
    assert desk.find(again) is None
    assert not desk.is_staffed()


def test_a_wrong_name_and_a_wrong_password_look_the_same(desk: Desk) -> None:
    texts = set()
    for name, password in (("anna", "wrong"), ("nobody", "correct horse battery"), ("", "")):
        with pytest.raises(SignInRefusedError) as refused:
            desk.with_password(name, password, name)
        texts.add(str(refused.value))
    assert len(texts) == 1


def test_a_token_is_renewed_in_time(desk: Desk, clock: Clock) -> None:
    token = desk.with_password("anna", "correct horse battery", "here")
    found = desk.find(token)
    assert found is not None
    assert desk.renewed(token, found) is None
    clock.now += RENEWED_AFTER
    newer = desk.renewed(token, found)
    assert newer is not None
    clock.now += timedelta(hours=11)
    assert desk.find(newer) is None
    assert datetime.now(UTC) > clock.now

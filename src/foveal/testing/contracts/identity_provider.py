"""What every `IdentityProvider` must do. Subclass it in your tests and give what this asks for."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from foveal.errors import SignInRefusedError
from foveal.ports.people import IdentityProvider
from foveal.types.people import Departure, Standing

REDIRECT = "http://127.0.0.1:8808/v1/session/openid"


class IdentityProviderContract:
    """The specification of `foveal.ports.IdentityProvider` as tests."""

    @pytest.fixture
    def provider(self) -> IdentityProvider:
        """The one under test, which knows `anna`."""
        raise pytest.UsageError("a subclass of IdentityProviderContract gives the fixture `provider`")

    @pytest.fixture
    def anna(self) -> Standing:
        """Who she is."""
        raise pytest.UsageError("a subclass of IdentityProviderContract gives the fixture `anna`")

    @pytest.fixture
    def token(self) -> str:
        """An access token of hers for this server."""
        raise pytest.UsageError("a subclass of IdentityProviderContract gives the fixture `token`")

    def travel(self, departure: Departure) -> dict[str, str]:
        """What her browser comes back with, after she signed in there."""
        raise pytest.UsageError("a subclass of IdentityProviderContract gives the method `travel`")

    def test_who_went_and_came_back_is_known(self, provider: IdentityProvider, anna: Standing) -> None:
        """With groups and role; what goes with the browser is of one use each time."""
        departure, other = (provider.depart(REDIRECT) for _ in range(2))
        assert provider.arrive(departure, self.travel(departure)) == anna
        assert departure.redirect_uri == REDIRECT
        assert parse_qs(urlsplit(departure.url).query)["state"] == [departure.state]
        for secret in ("state", "nonce", "verifier"):
            assert getattr(departure, secret) != getattr(other, secret)

    def test_an_answer_to_another_departure_is_refused(self, provider: IdentityProvider) -> None:
        """As is one that says no, and one that says nothing."""
        departure, other = (provider.depart(REDIRECT) for _ in range(2))
        answer = self.travel(departure)
        for wrong in (
            {**answer, "state": other.state},
            {k: v for k, v in answer.items() if k != "state"},
            {k: v for k, v in answer.items() if k != "code"},
            {"state": departure.state, "error": "access_denied"},
            {**answer, "code": "guessed"},
            {},
        ):
            with pytest.raises(SignInRefusedError):
                provider.arrive(departure, wrong)

    def test_an_access_token_tells_whose_it_is(self, provider: IdentityProvider, anna: Standing, token: str) -> None:
        """And nothing like it does."""
        assert provider.standing(token) == anna
        for wrong in ("", "fvl_key", token[:-1], f"{token}x", "a.b.c", "ü.ü.ü"):
            assert provider.standing(wrong) is None

    def test_it_has_a_name(self, provider: IdentityProvider) -> None:
        """For its button."""
        assert provider.label

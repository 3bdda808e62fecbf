"""What every `SignIns` must do. Subclass it in your tests and give the fixtures `sign_ins` and `clock`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from foveal.ports.people import SignIns
from foveal.types.conversations import PersonId
from foveal.types.keys import Role
from foveal.types.people import GRACE, Standing, Way

LIFE = timedelta(hours=12)
ANNA = Standing(person=PersonId("account:anna"), name="anna", role=Role.OWNER, groups=None)
BERT = Standing(person=PersonId("openid:https://id.example#7"), name="Bert", role=Role.READER, groups=("board",))


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now


class SignInsContract:
    """The specification of `foveal.ports.SignIns` as tests."""

    @pytest.fixture
    def clock(self) -> Clock:
        """The clock of `sign_ins`."""
        return Clock()

    @pytest.fixture
    def sign_ins(self) -> SignIns:
        """Those under test, none yet."""
        raise pytest.UsageError("a subclass of SignInsContract gives the fixture `sign_ins`")

    def test_a_token_tells_who_is_signed_in(self, sign_ins: SignIns, clock: Clock) -> None:
        """And nothing like it does."""
        anna, token = sign_ins.open(Way.ACCOUNT, ANNA, LIFE)
        bert, other = sign_ins.open(Way.OPENID, BERT, LIFE)
        assert (anna.standing, anna.way, anna.opened_at) == (ANNA, Way.ACCOUNT, clock.now)
        assert anna.expires_at == clock.now + LIFE
        assert sign_ins.find(token) == anna
        assert sign_ins.find(other) == bert
        mixed = f"{anna.sign_in_id}.{other.partition('.')[2]}x"
        for wrong in ("", ".", anna.sign_in_id, f"{anna.sign_in_id}.", token[:-1], token + "x", mixed, "ü.ü", "\udcff"):
            assert sign_ins.find(wrong) is None

    def test_a_sign_in_ends(self, sign_ins: SignIns, clock: Clock) -> None:
        """Used or not, renewed or not."""
        _, token = sign_ins.open(Way.ACCOUNT, ANNA, LIFE)
        clock.now += LIFE - timedelta(seconds=1)
        newer = sign_ins.renew(token)
        assert newer is not None
        assert sign_ins.find(newer) is not None
        clock.now += timedelta(seconds=1)
        assert sign_ins.find(newer) is None
        assert sign_ins.find(token) is None
        assert sign_ins.renew(newer) is None

    def test_a_renewed_token_counts_for_a_moment_only(self, sign_ins: SignIns, clock: Clock) -> None:
        """The new one counts at once; a token is renewed once."""
        made, token = sign_ins.open(Way.ACCOUNT, ANNA, LIFE)
        clock.now += timedelta(hours=1)
        newer = sign_ins.renew(token)
        assert newer not in {None, token}
        assert sign_ins.renew(token) is None
        for one in (token, newer or ""):
            found = sign_ins.find(one)
            assert found is not None
            assert (found.sign_in_id, found.standing, found.renewed_at) == (made.sign_in_id, ANNA, clock.now)
            assert found.expires_at == made.expires_at
        clock.now += GRACE
        assert sign_ins.find(token) is None
        assert sign_ins.find(newer or "") is not None

    def test_who_signs_out_is_out(self, sign_ins: SignIns) -> None:
        """In that browser; twice is no mistake."""
        _, token = sign_ins.open(Way.ACCOUNT, ANNA, LIFE)
        _, other = sign_ins.open(Way.ACCOUNT, ANNA, LIFE)
        for _ in range(2):
            sign_ins.close(token)
        sign_ins.close("nothing")
        assert sign_ins.find(token) is None
        assert sign_ins.find(other) is not None

    def test_somebody_is_signed_out_everywhere(self, sign_ins: SignIns) -> None:
        """And nobody else is."""
        tokens = [sign_ins.open(Way.ACCOUNT, ANNA, LIFE)[1] for _ in range(2)]
        _, kept = sign_ins.open(Way.OPENID, BERT, LIFE)
        assert sign_ins.close_all(ANNA.person) == 2
        assert sign_ins.close_all(ANNA.person) == 0
        assert [sign_ins.find(token) for token in tokens] == [None, None]
        assert sign_ins.find(kept) is not None

"""What every `Accounts` must do. Subclass it in your tests and give the fixture `accounts`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from foveal.errors import ConflictError, NotFoundError
from foveal.ports.people import Accounts
from foveal.types.keys import Role
from foveal.types.people import Account

AT = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
ANNA = Account(name="anna", role=Role.OWNER, groups=None, created_at=AT)
BERT = Account(name="bert@example.com", groups=("board", "press, radio"), created_at=AT)


class AccountsContract:
    """The specification of `foveal.ports.Accounts` as tests."""

    @pytest.fixture
    def accounts(self) -> Accounts:
        """Those under test, none yet."""
        raise pytest.UsageError("a subclass of AccountsContract gives the fixture `accounts`")

    def test_what_was_kept_comes_back_by_name(self, accounts: Accounts) -> None:
        """Groups, and the absence of any restriction."""
        accounts.add(BERT, "hash b")
        accounts.add(ANNA, "hash a")
        assert accounts.all() == [ANNA, BERT]
        assert accounts.find("anna") == (ANNA, "hash a")
        assert accounts.find("bert@example.com") == (BERT, "hash b")
        assert accounts.find("carla") is None

    def test_a_name_belongs_to_one_person(self, accounts: Accounts) -> None:
        """And the first one keeps it."""
        accounts.add(ANNA, "hash a")
        with pytest.raises(ConflictError):
            accounts.add(replace(BERT, name="anna"), "hash b")
        assert accounts.find("anna") == (ANNA, "hash a")

    def test_what_changes_changes_and_the_rest_stays(self, accounts: Accounts) -> None:
        """Without another password the old one counts; the day it was made stays."""
        accounts.add(ANNA, "hash a")
        changed = replace(ANNA, role=Role.READER, groups=())
        accounts.put(replace(changed, created_at=datetime.now(UTC)))
        assert accounts.find("anna") == (changed, "hash a")
        accounts.put(changed, "hash b")
        assert accounts.find("anna") == (changed, "hash b")
        with pytest.raises(NotFoundError):
            accounts.put(BERT)

    def test_who_was_removed_is_gone(self, accounts: Accounts) -> None:
        """The others stay; removing nobody is a mistake."""
        accounts.add(ANNA, "hash a")
        accounts.add(BERT, "hash b")
        accounts.remove("anna")
        assert accounts.all() == [BERT]
        with pytest.raises(NotFoundError):
            accounts.remove("anna")

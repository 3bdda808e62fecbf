"""Bodies of embeddings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt
from pydantic_core import PydanticCustomError

from foveal.api.azure_openai.schemas import Wire

MAX_INPUTS = 2048
"""Texts in one request (contract notes, section 7)."""

Input = str | list[str] | list[StrictInt] | list[list[StrictInt]]


def _checked(value: object) -> object:
    """One sentence in place of one fault for each form that an input is not."""
    if isinstance(value, list) and _are_ids(value):
        return value
    items = value if isinstance(value, list) else [value]
    if not 1 <= len(items) <= MAX_INPUTS:
        raise PydanticCustomError("input", "Give 1 to {most} texts", {"most": MAX_INPUTS})
    if all(isinstance(item, str) for item in items):
        if not all(items):
            raise PydanticCustomError("input", "A text must not be empty")
        return value
    if all(isinstance(item, list) and _are_ids(item) for item in items):
        return value
    raise PydanticCustomError("input", "Give a string, a list of strings, token ids, or a list of lists of token ids")


def _are_ids(items: list[object]) -> bool:
    return bool(items) and all(type(item) is int for item in items)


class EmbeddingBody(BaseModel):
    """An embeddings request. Unknown fields are ignored; `user` has no effect."""

    model_config = ConfigDict(protected_namespaces=())

    input: Annotated[Input, BeforeValidator(_checked, json_schema_input_type=Input)] = Field(
        description="Texts, or tokens of cl100k_base; at most 2048 texts. A text over the model's window is cut."
    )
    model: str | None = Field(None, description="The deployment, in v1; ignored where the path names one.")
    encoding_format: Literal["float", "base64"] | None = Field(
        None, description="`base64`: the numbers as little-endian float32."
    )
    dimensions: int | None = Field(None, ge=1, le=65_536, description="Only for models that can shorten vectors.")
    input_type: str | None = Field(None, description="`query` for questions; anything else is a passage.")
    user: str | None = None


class EmbeddingOut(Wire):
    """The vector of one text."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(Wire):
    """Tokens billed."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Wire):
    """The vectors, in the order of the texts."""

    object: Literal["list"]
    data: list[EmbeddingOut]
    model: str
    usage: EmbeddingUsage

"""Bodies of chat completions. Liberal in what they read, exact in what they write.

Replies are dumped with `exclude_unset`: a field that was given None goes out as null, one that was not given stays
out, which is the difference between `"finish_reason": null` and no `context`. Fields stand in the wire's order.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from foveal.api.azure_openai.filter_results import FilterResults


class ImageBox(BaseModel):
    """A part of an image from its top left corner: fractions where none of the four is over 1, else pixels."""

    x: float
    y: float
    width: float
    height: float


class ImageUrl(BaseModel):
    """An image by data URL, or by its address on the web; or a part of it, which the service did not know."""

    url: str
    detail: str | None = None
    box: ImageBox | None = None


def _as_image_url(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


class Part(BaseModel):
    """A piece of a message. `image` is the first preview's form: a URL or base64."""

    type: str | None = None
    text: str | None = None
    image_url: Annotated[
        ImageUrl | None, BeforeValidator(_as_image_url, json_schema_input_type=str | ImageUrl | None)
    ] = Field(None, validation_alias=AliasChoices("image_url", "imageUrl"))
    image: str | None = None
    acv_document_id: str | None = Field(
        None,
        validation_alias=AliasChoices("acv_document_id", "acvDocumentId"),
        description="A video of the index that a data source of type AzureComputerVisionVideoIndex names.",
    )


def _as_parts(value: object) -> object:
    if value is None:
        return []
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if isinstance(value, list):
        return [{"type": "text", "text": part} if isinstance(part, str) else part for part in value]
    return value


Parts = Annotated[list[Part], BeforeValidator(_as_parts, json_schema_input_type=str | list[str | Part] | None)]


class MessageIn(BaseModel):
    """One turn. A client may send back what it was sent (`context`, `end_turn`, `id`, `date`, tool messages)."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Parts = []
    context: JsonValue = Field(None, description="Of an assistant's message: as the reply had it; may be left out.")


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool | None = None


class ResponseFormat(BaseModel):
    """What the answer must be: only `text` is served."""

    type: str = "text"


class Switch(BaseModel):
    """Whether something is wanted; `"true"` is taken as true."""

    enabled: bool | None = None


class EnhancementsIn(BaseModel):
    """What local eyes add to a chat about images; others than these are ignored."""

    ocr: Switch | None = None
    grounding: Switch | None = None
    video: Switch | None = None


class ChatBody(BaseModel):
    """A chat completion request.

    Unknown fields are ignored. `presence_penalty`, `frequency_penalty`, `logit_bias` and `user` have no effect.
    """

    model_config = ConfigDict(protected_namespaces=())

    messages: list[MessageIn] = Field(min_length=1, max_length=2048)
    model: str | None = Field(None, description="The deployment, in v1; ignored where the path names one.")
    data_sources: list[dict[str, JsonValue]] | None = Field(
        None,
        validation_alias=AliasChoices("data_sources", "dataSources"),
        description="What to answer from: `parameters.index_name` names an index of this server. Any casing.",
    )
    enhancements: EnhancementsIn | None = Field(
        None,
        description="`ocr`: text read in the images is given to the model; `grounding`: places of what is named; "
        "`video`: the question is about videos of an index.",
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=2**31 - 1)
    max_completion_tokens: int | None = Field(None, ge=1, le=2**31 - 1)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=-(2**63), le=2**63 - 1)
    n: int | None = Field(None, ge=1, le=128)
    logprobs: bool | None = None
    response_format: ResponseFormat | None = None
    tools: list[JsonValue] | None = None
    tool_choice: JsonValue = None
    functions: list[JsonValue] | None = None
    function_call: JsonValue = None


class Wire(BaseModel):
    """Something that is written."""

    model_config = ConfigDict(protected_namespaces=())

    def json_text(self) -> str:
        """On one line, with the fields that were given."""
        return self.model_dump_json(exclude_unset=True)


class CitationOut(Wire):
    """A document an answer rests on; `[doc1]` is the first of the list."""

    content: str
    title: str | None
    url: str | None
    filepath: str | None
    chunk_id: str | None
    rerank_score: float | None = None


class RetrievedDocumentOut(CitationOut):
    """A document that was found, used or not.

    Attributes:
        filter_reason: `score`: below the strictness threshold; `rerank`: passed it but not among the top N.
    """

    search_queries: list[str]
    data_source_index: int
    original_search_score: float
    filter_reason: Literal["score", "rerank"] | None = None


class OldCitationOut(Wire):
    """A document in the form of 2023."""

    content: str
    id: str | None
    title: str | None
    filepath: str | None
    url: str | None
    metadata: dict[str, str] | None
    chunk_id: str | None


class OldToolContent(Wire):
    """What the tool message of 2023 holds, as a JSON string."""

    citations: list[OldCitationOut]
    intent: str


class ContextOut(Wire):
    """What an answer rests on: the form of 2024, or tool messages in that of 2023."""

    citations: list[CitationOut] | None = None
    intent: str | None = None
    all_retrieved_documents: list[RetrievedDocumentOut] | None = None
    messages: list[MessageOut] | None = None


class MessageOut(Wire):
    """A message of an answer, or (`Delta`) a piece of one."""

    index: int | None = None
    role: Literal["assistant", "tool"] | None = None
    content: str | None = None
    refusal: str | None = None
    end_turn: bool | None = None
    context: ContextOut | None = None


class PromptFilterResult(Wire):
    """What content filters said of the prompt."""

    prompt_index: int
    content_filter_results: FilterResults


class PointOut(Wire):
    """A corner, as fractions of the image's width and height."""

    x: float
    y: float


class GroundingSpanOut(Wire):
    """Words of the answer and where the thing is; offsets in Unicode code points.

    Attributes:
        image: 0-based position among the images of the question, where there are several (an extension).
    """

    text: str
    offset: int
    length: int
    polygon: list[PointOut]
    image: int | None = None


class GroundingLineOut(Wire):
    """The answer with its spans."""

    text: str
    spans: list[GroundingSpanOut]


class GroundingOut(Wire):
    """Places of what an answer names."""

    lines: list[GroundingLineOut]
    status: Literal["Success"]


class EnhancementsOut(Wire):
    """What local eyes added."""

    grounding: GroundingOut


class FinishDetails(Wire):
    """How the vision replies of 2023 said that an answer ended; `finish_reason` says the same."""

    type: Literal["stop", "max_tokens", "content_filter"]
    stop: str | None = None


class Choice(Wire):
    """An answer."""

    index: int
    finish_reason: str | None
    message: MessageOut | None = None
    messages: list[MessageOut] | None = None
    finish_details: FinishDetails | None = None
    enhancements: EnhancementsOut | None = None
    logprobs: None = None
    content_filter_results: FilterResults | None = None


class MessageDelta(Wire):
    """A piece of one message, in the form of June 2023."""

    index: int
    delta: MessageOut
    end_turn: bool


class ChunkChoice(Wire):
    """A piece of an answer."""

    index: int
    delta: MessageOut | None = None
    messages: list[MessageDelta] | None = None
    finish_details: FinishDetails | None = None
    enhancements: EnhancementsOut | None = None
    end_turn: bool | None = None
    finish_reason: str | None
    logprobs: None = None
    content_filter_results: FilterResults | None = None


class UsageOut(Wire):
    """Tokens billed."""

    completion_tokens: int
    prompt_tokens: int
    total_tokens: int


class ChatCompletion(Wire):
    """An answer, in one piece."""

    id: str
    model: str
    created: int
    object: str
    choices: list[Choice]
    prompt_filter_results: list[PromptFilterResult] | None = None
    usage: UsageOut
    system_fingerprint: str | None


class ChatCompletionChunk(Wire):
    """One event of a streamed answer."""

    id: str
    model: str
    created: int
    object: str
    choices: list[ChunkChoice]
    prompt_filter_results: list[PromptFilterResult] | None = None
    prompt_annotations: list[PromptFilterResult] | None = None
    usage: UsageOut | None = None
    system_fingerprint: str | None = None


class Capabilities(Wire):
    """What a model can be asked for."""

    chat_completion: bool
    completion: bool
    embeddings: bool
    fine_tune: bool
    inference: bool
    vision: bool


class ModelOut(Wire):
    """A deployment as the list of models shows it."""

    id: str
    object: Literal["model"]
    created: int
    created_at: int
    owned_by: str
    status: Literal["succeeded"]
    lifecycle_status: Literal["generally-available"]
    capabilities: Capabilities


class ModelList(Wire):
    """All models."""

    object: Literal["list"]
    data: list[ModelOut]


class ScaleSettings(Wire):
    """How a deployment scales."""

    scale_type: Literal["standard"]


class DeploymentOut(Wire):
    """A deployment."""

    id: str
    object: Literal["deployment"]
    model: str
    owner: str
    status: Literal["succeeded"]
    created_at: int
    updated_at: int
    scale_settings: ScaleSettings


class DeploymentList(Wire):
    """All deployments."""

    object: Literal["list"]
    data: list[DeploymentOut]

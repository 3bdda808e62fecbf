"""The settings table: every knob of Foveal with its default, from which flags, environment and docs come.

Order of precedence: flags, then the environment (`FOVEAL_` + the path of the setting in capitals, joined by `_`:
`chat.base_url` is `FOVEAL_CHAT_BASE_URL`), then `foveal.toml`, then the defaults below. The file is the one named by
`FOVEAL_CONFIG` or `--config`, else `foveal.toml` in the working directory, else `foveal.toml` in the home.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from foveal.errors import SettingsError

ENV_PREFIX = "FOVEAL_"
NOT_SETTINGS = frozenset({"FOVEAL_CONFIG", "FOVEAL_TEST_DATA"})
"""Variables with the prefix that are read elsewhere."""


class Group(BaseModel):
    """A table of settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


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


class Understanding(Group):
    """Which local models look at images."""

    objects: bool = Field(True, description="Detect objects with boxes (needs npm once, to fetch the model).")
    regions: bool = Field(True, description="Make detected objects findable by themselves (six an image at most).")
    ocr: bool = Field(True, description="Read text in images.")
    safety: bool = Field(True, description="Score sensitive content.")
    vision: bool = Field(False, description="Use a pulled vision-language model for captions and answers.")
    joint: bool = Field(False, description="Use a pulled joint image-text model as the image encoder.")


class SpeechServer(ModelServer):
    """A server that turns speech into words, in place of the local model."""

    model: str = Field("whisper-1", description="Model name, or the Azure deployment.")
    timeout_s: float = Field(600.0, gt=0, description="Seconds one call may take, for two minutes of sound.")


class Speech(Group):
    """How what is said in videos and recordings becomes words."""

    on: bool = Field(True, description="Recognise speech. The model (133 MB) comes with the first file that has sound.")
    size: Literal["base", "small", "medium", "large-v3"] = Field(
        "base", description="Size of the local model; those over `base` are pulled by name, `whisper-small`."
    )
    language: str = Field("", description="What is spoken (ISO 639-1); empty: the model tells.")
    server: SpeechServer = Field(default_factory=SpeechServer, description="A server in place of the local model.")


class Video(Group):
    """How videos are looked at."""

    static_seconds: float = Field(
        30.0, ge=1, description="A shot in which nothing changes is looked at again after so many seconds."
    )
    seconds: float = Field(14_400.0, gt=0, description="Longest decoding of one video or recording.")
    frames: int = Field(24, ge=1, le=500, description="Frames that a chat model is shown of the videos of a question.")
    full_frames: int = Field(6, ge=0, le=100, description="Of these, how many of what is asked for in full resolution.")


Threshold = Literal["low", "medium", "high", "off"]
"""Least severity that is filtered; `off` filters nothing and still reports."""


class Safety(Group):
    """Content filters of prompts and answers. The thresholds are Azure OpenAI's defaults."""

    on: bool = Field(True, description="Judge prompts and answers.")
    endpoint: str = Field("", description="Azure AI Content Safety; without it only sexual images are judged, locally.")
    api_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint; never logged or shown.")
    timeout_s: float = Field(5.0, gt=0, description="Seconds one call to it may take.")
    retries: int = Field(2, ge=0, le=20, description="Retries after 429, 5xx and lost connections.")
    prompt_hate: Threshold = Field("medium", description="Least hate that stops a prompt.")
    prompt_self_harm: Threshold = Field("medium", description="Least self-harm that stops a prompt.")
    prompt_sexual: Threshold = Field("medium", description="Least sexual content that stops a prompt.")
    prompt_violence: Threshold = Field("medium", description="Least violence that stops a prompt.")
    answer_hate: Threshold = Field("medium", description="Least hate that stops an answer.")
    answer_self_harm: Threshold = Field("medium", description="Least self-harm that stops an answer.")
    answer_sexual: Threshold = Field("medium", description="Least sexual content that stops an answer.")
    answer_violence: Threshold = Field("medium", description="Least violence that stops an answer.")


class DecodeLimits(Group):
    """What decoding one file may take."""

    image_bytes: int = Field(16 * 2**20, ge=1, description="Largest image file.")
    text_bytes: int = Field(16 * 2**20, ge=1, description="Largest text file.")
    document_bytes: int = Field(64 * 2**20, ge=1, description="Largest document file (PDF, Office).")
    inflated_bytes: int = Field(256 * 2**20, ge=1, description="Most bytes an Office file may unpack to.")
    document_pages: int = Field(2000, ge=1, description="Pages, slides or sheets read of one document.")
    document_seconds: float = Field(120.0, gt=0, description="Longest reading of one document.")
    pictures: int = Field(500, ge=0, description="Pictures looked at in one document.")
    pixels: int = Field(100_000_000, ge=1, description="Most pixels of one image, from its header.")
    pages: int = Field(200, ge=1, description="Pages read of one multi-page image.")
    seconds: float = Field(20.0, gt=0, description="Longest decoding of one file.")


class Chunking(Group):
    """How text is cut."""

    tokens: int = Field(1024, ge=64, le=8192, description="Most tokens of a chunk.")
    overlap_tokens: int = Field(128, ge=0, le=1024, description="Tokens repeated from the chunk before.")


class Answering(Group):
    """Defaults of an answer; names follow Azure OpenAI On Your Data."""

    top_n_documents: int = Field(5, ge=1, le=50, description="Documents an answer rests on, at most.")
    strictness: int = Field(3, ge=1, le=5, description="How well a document must match: 1 lax, 5 strict.")
    in_scope: bool = Field(True, description="Limit answers to your data.")


class Serving(Group):
    """`foveal serve`."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8808, ge=0, le=65535, description="Port; 0 takes a free one.")
    api_key: SecretStr = Field(SecretStr(""), description="A key with every right, beside those of `foveal keys`.")
    open_links: bool = Field(
        False, description="Let the signed links of replies open without a key, for what their groups may see."
    )
    cors_origins: str = Field("", description="Origins whose pages may read replies, with commas between.")
    request_seconds: float = Field(600.0, gt=0, description="Longest request, its body and its answer included.")
    tls: bool = Field(False, description="Serve https with a certificate made for trying out, kept in the home.")
    ssl_certfile: str = Field("", description="Serve https with this certificate (PEM).")
    ssl_keyfile: str = Field("", description="Its private key (PEM); empty: in the same file.")
    ssl_keyfile_password: SecretStr = Field(SecretStr(""), description="Password of the private key.")
    concurrency: int = Field(8, ge=1, le=1024, description="Searches worked on at once.")
    queue: int = Field(128, ge=0, description="Requests that may wait; one more is answered 429.")
    refresh: bool = Field(True, description="Refresh saved sources when they are due.")
    jobs: bool = Field(True, description="Run queued jobs; off where `foveal work` does.")

    @property
    def origins(self) -> tuple[str, ...]:
        """`cors_origins`, one by one, as browsers write them."""
        return tuple(o.strip().rstrip("/") for o in self.cors_origins.split(",") if o.strip())


class Keeping(Group):
    """What is kept of conversations."""

    on: bool = Field(True, description="Keep the conversations of the web page, for each person.")
    share_days: float = Field(30.0, gt=0, le=3650, description="Days that a link to a shared conversation opens.")


class OpenId(Group):
    """Signing in with a provider of OpenID Connect. Off while `issuer` is empty."""

    issuer: str = Field("", description="The provider, as it calls itself: its address without `/.well-known/…`.")
    client_id: str = Field("", description="What this server is called there.")
    client_secret: SecretStr = Field(SecretStr(""), description="Its secret there; empty: a public client with PKCE.")
    audience: str = Field(
        "", description="What access tokens for the API are made out to, with commas between; empty: `client_id`."
    )
    scopes: str = Field("openid profile email", description="What is asked for, with blanks between.")
    label: str = Field("", description="What the button says after `Sign in with`; empty: the provider's host.")
    name_claim: str = Field("name", description="Claim with the name to be shown.")
    groups_claim: str = Field("groups", description="Claim with the groups; `a.b` is the claim b inside the claim a.")
    roles_claim: str = Field("roles", description="Claim with the roles.")
    owners: str = Field("owner", description="Roles there that are `owner` here, with commas between.")
    contributors: str = Field("contributor", description="Roles there that are `contributor` here.")
    readers: str = Field("reader", description="Roles there that are `reader` here.")
    default_role: Literal["none", "reader", "contributor", "owner"] = Field(
        "reader", description="Role of people who are given none of these; `none`: they may not come in."
    )

    @property
    def on(self) -> bool:
        """Whether there is a provider."""
        return bool(self.issuer)

    @model_validator(mode="after")
    def _whole(self) -> OpenId:
        if self.issuer and not self.client_id:
            raise ValueError("openid.issuer needs openid.client_id beside it")
        return self


class SigningIn(Group):
    """People in a browser."""

    hours: float = Field(12.0, gt=0, le=24 * 90, description="Hours after which somebody has to sign in again.")
    url: str = Field(
        "",
        description="Address under which browsers reach this server, where a proxy hides it; empty: the one they name.",
    )


class Embedded(Group):
    """A chat in the pages of another site."""

    origins: str = Field("", description="Origins of the sites that may show it, with commas between; empty: none may.")
    indexes: str = Field("", description="Indexes that are asked, with commas between; empty: all.")
    groups: str = Field("", description="Groups whose documents visitors see beside those that are for everybody.")
    requests_per_minute: int = Field(120, ge=1, description="Most requests of all visitors together in any minute.")


class WebPages(Group):
    """How the web pages look."""

    title: str = Field("Foveal", min_length=1, max_length=60, description="What the product is called here.")
    logo: str = Field("", description="Path of a picture (SVG, PNG) beside the title.")
    colour: Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")] = Field(
        "", description="Colour of buttons and links on light pages, as `#0b6b5b`."
    )
    colour_dark: Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")] = Field(
        "", description="The same on dark pages; empty: the one of light pages."
    )
    welcome: str = Field("", max_length=300, description="What the empty chat says in place of its own words.")
    disclaimer: str = Field("", max_length=500, description="A line below the field for questions.")


def _networks(value: str) -> str:
    """Refuses what is no host, address or network."""
    if value:
        from foveal.sources.public_addresses import Allowed

        Allowed.of(value.split(","))
    return value


class Fetching(Group):
    """Images and videos that requests give by address (`https://…`)."""

    on: bool = Field(True, description="Fetch them; never done while `offline`.")
    allow: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="Hosts, addresses and networks (`10.1.0.0/16`) to fetch from though they are not on the public "
        "internet, with commas between.",
    )
    max_bytes: int = Field(20 * 2**20, ge=1, description="Longest image.")
    seconds: float = Field(15.0, gt=0, description="Longest fetch of an image, redirects included.")
    file_bytes: int = Field(8 * 2**30, ge=1, description="Longest file that an ingestion over HTTP brings.")
    file_seconds: float = Field(3600.0, gt=0, description="Longest fetch of such a file.")
    kept_bytes: int = Field(
        8 * 2**30, ge=0, description="Copies of videos of remote sources kept to be played; 0 keeps none."
    )

    @property
    def allowed(self) -> tuple[str, ...]:
        """`allow`, one by one."""
        return tuple(entry.strip() for entry in self.allow.split(",") if entry.strip())


class Uploading(Group):
    """Files that people send; `limits` says how large an image or a document may be."""

    file_bytes: int = Field(2 * 2**30, ge=1, description="Largest file of any kind.")
    request_bytes: int = Field(4 * 2**30, ge=1, description="Most bytes of one request; larger files come in pieces.")
    files: int = Field(1000, ge=1, description="Most files of one request.")
    unfinished_hours: float = Field(24.0, gt=0, description="How long a file that is half here waits for its rest.")
    questions_days: float = Field(7.0, gt=0, description="How long a video is kept that was attached to a question.")


def _endpoints(value: str) -> str:
    """Refuses what is neither a host nor an http or https address."""
    for entry in filter(None, (one.strip() for one in value.split(","))):
        scheme, separator, host = entry.rpartition("://")
        if scheme not in ({"http", "https"} if separator else {""}) or not host.strip("*./") or "/" in host.rstrip("/"):
            raise ValueError(f"{entry} is no host and no address of one")
    return value


class Live(Group):
    """Indexes of other services that requests name themselves."""

    endpoints: Annotated[str, AfterValidator(_endpoints)] = Field(
        "",
        description="Services that chat requests may name, to be searched with the key that they bring: hosts with "
        "commas between (`contoso.search.windows.net`; `*.` in front for all below it), spoken to over https unless "
        "an entry begins with `http://`. Empty: none, only saved live indexes are searched.",
    )

    def address(self, host: str) -> str | None:
        """The address of a host that is listed, None for any other."""
        for entry in filter(None, (one.strip().rstrip("/").lower() for one in self.endpoints.split(","))):
            scheme, _, listed = entry.rpartition("://")
            below = listed.startswith("*.") and host.lower().endswith(listed[1:])
            if below or host.lower() == listed:
                return f"{scheme or 'https'}://{host.lower()}"
        return None


ServiceIndex = Annotated[str, StringConstraints(pattern=r"^.+/[^/]+$")]
"""`SERVICE/INDEX`."""


def _home() -> Path:
    return Path(platformdirs.user_data_dir("foveal", appauthor=False))


def _models() -> Path:
    return Path(platformdirs.user_cache_dir("foveal", appauthor=False)) / "models"


def _parsed(value: object) -> object:
    """The JSON of an environment variable."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from None


class Settings(Group):
    """Everything that can be set."""

    home: Path = Field(default_factory=_home, description="Where all state lives.")
    models: Path = Field(default_factory=_models, description="Where model files live, shared by all homes.")
    database: SecretStr = Field(
        SecretStr(""),
        description="Database of catalog, jobs, keys, sources and model results: "
        "`postgresql://USER:PASSWORD@HOST/NAME` (needs the extra `postgres`). Empty: SQLite in the home.",
    )
    offline: bool = Field(False, description="Never fetch anything, not even a missing model.")
    index: str = Field("default", description="Index used when none is named.")
    workers: int = Field(0, ge=0, le=256, description="Files understood at once; 0 takes the number of cores.")
    commit_assets: int = Field(256, ge=1, description="Files between two commits of an ingestion.")
    chat: ChatServer = Field(default_factory=ChatServer, description="Model that writes answers.")
    deployments: Annotated[dict[str, DeploymentServer], BeforeValidator(_parsed)] = Field(
        default_factory=dict,
        description="Names that requests may be sent to, `[deployments.NAME]` each; `*` answers to any other name. "
        "In the variable: a JSON object.",
    )
    caption: ModelServer = Field(default_factory=ModelServer, description="Vision model that describes images.")
    embedding: EmbeddingServer = Field(default_factory=EmbeddingServer, description="Text embedding server.")
    rerank: Rerank = Field(default_factory=Rerank, description="Re-ranker of semantic mode.")
    budget: Budget = Field(default_factory=Budget, description="Spending limits.")
    understanding: Understanding = Field(default_factory=Understanding, description="Local models.")
    speech: Speech = Field(default_factory=Speech, description="What is said in videos and recordings.")
    video: Video = Field(default_factory=Video, description="How videos are looked at.")
    limits: DecodeLimits = Field(default_factory=DecodeLimits, description="Limits of decoding.")
    chunking: Chunking = Field(default_factory=Chunking, description="How text is cut.")
    safety: Safety = Field(default_factory=Safety, description="Content filters.")
    answering: Answering = Field(default_factory=Answering, description="Defaults of answers.")
    sources: Annotated[dict[ServiceIndex, str], BeforeValidator(_parsed)] = Field(
        default_factory=dict,
        description="Indexes of other services that chat requests name as data sources, and the indexes of this home "
        'that stand in for them: `"SERVICE/INDEX" = "NAME"` under `[sources]`, the service as the host of its '
        "endpoint. `*` is any service, any index, and as NAME an index of the same name. In the variable: a JSON "
        "object.",
    )
    live: Live = Field(default_factory=Live, description="Indexes of other services that requests name.")
    fetch: Fetching = Field(default_factory=Fetching, description="Images and videos given by address.")
    uploads: Uploading = Field(default_factory=Uploading, description="Files that people send.")
    serve: Serving = Field(default_factory=Serving, description="The HTTP server.")
    openid: OpenId = Field(default_factory=OpenId, description="Sign-in with a provider.")
    sign_in: SigningIn = Field(default_factory=SigningIn, description="Sign-in.")
    web: WebPages = Field(default_factory=WebPages, description="The web pages.")
    embed: Embedded = Field(default_factory=Embedded, description="A chat in the pages of another site.")
    history: Keeping = Field(default_factory=Keeping, description="Conversations.")

    @property
    def worker_count(self) -> int:
        """Worker threads to use."""
        return self.workers or available_cores()


def listed(text: str) -> tuple[str, ...]:
    """The parts of a setting with commas between."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def available_cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Row(BaseModel):
    """One row of the table, for docs and `foveal doctor`."""

    path: str
    env: str
    type: str
    default: str
    description: str


def table() -> list[Row]:
    """Every setting, in order."""
    return [
        Row(
            path=path,
            env=ENV_PREFIX + path.replace(".", "_").upper(),
            type=_type_name(field.annotation),
            default=_default_text(path, field),
            description=field.description or "",
        )
        for path, field in _leaves(Settings)
    ]


def deployment_table() -> list[Row]:
    """Every setting of one deployment, in order; `env` is the variable of the whole table."""
    return [
        Row(
            path=name,
            env=f"{ENV_PREFIX}DEPLOYMENTS",
            type=_type_name(field.annotation),
            default=_default_text(name, field),
            description=field.description or "",
        )
        for name, field in _leaves(DeploymentServer)
    ]


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """Read settings from flags, environment and file.

    Args:
        flags: Values by path (`chat.base_url`); None values are absent.
        environ: Environment; the process's own by default.
        config: The file; looked for when None.

    Raises:
        SettingsError: Naming the setting, where it came from and its nearest names.
    """
    env = os.environ if environ is None else environ
    overrides: dict[str, object] = dict(_from_environment(env))
    overrides.update({k: v for k, v in (flags or {}).items() if v is not None})
    file = _config_file(config, env, overrides)
    values = _read_file(file) if file else {}
    for path, value in overrides.items():
        _set(values, path, value)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _settings_error(error, file) from None


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """`FOVEAL_*` variables that set nothing (typing mistakes), for `foveal doctor`."""
    env = os.environ if environ is None else environ
    known = {row.env for row in table()} | NOT_SETTINGS
    return sorted(name for name in env if name.startswith(ENV_PREFIX) and name not in known)


def _leaves(group: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in group.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Group):
            yield from _leaves(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _type_name(annotation: object) -> str:
    if annotation is SecretStr:
        return "secret"
    args = get_args(annotation)
    if get_origin(annotation) is dict:
        return "table"
    if args and all(isinstance(a, str) for a in args):
        return " or ".join(f"`{a}`" for a in args)
    if args:
        return " or ".join("empty" if a is type(None) else a.__name__ for a in args)
    return getattr(annotation, "__name__", str(annotation))


def _default_text(path: str, field: FieldInfo) -> str:
    if path == "home":
        return "the user's data folder"
    if path == "models":
        return "the user's cache folder"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", {}) or isinstance(value, SecretStr):
        return "empty"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_environment(env: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    for path, _ in _leaves(Settings):
        name = ENV_PREFIX + path.replace(".", "_").upper()
        if env.get(name):
            yield path, env[name]


def _config_file(config: Path | None, env: Mapping[str, str], overrides: Mapping[str, object]) -> Path | None:
    named = config or (Path(env["FOVEAL_CONFIG"]) if env.get("FOVEAL_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"There is no settings file at {named}.", remedy="Name one that exists.")
        return named
    home = Path(str(overrides["home"])) if "home" in overrides else _home()
    return next((p for p in (Path("foveal.toml"), home / "foveal.toml") if p.is_file()), None)


def _read_file(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not valid TOML: {error}.", remedy="Correct that line.") from None


def _set(values: dict[str, object], path: str, value: object) -> None:
    *groups, leaf = path.split(".")
    for group in groups:
        inner = values.setdefault(group, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"`{group}` is a table of settings, not a value.")
        values = inner
    values[leaf] = value


def _settings_error(error: ValidationError, file: Path | None) -> SettingsError:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    names = [p for p, _ in _leaves(Settings)]
    variable = ENV_PREFIX + path.replace(".", "_").upper()
    if first["loc"][0] == "deployments":
        variable = f"{ENV_PREFIX}DEPLOYMENTS"
        names = [f"{path.rpartition('.')[0]}.{p}" for p, _ in _leaves(DeploymentServer)]
    if first["loc"][0] == "sources":
        variable = f"{ENV_PREFIX}SOURCES"
    where = f"{path} ({variable}" + (f", or {file})" if file else ")")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path, names, n=3)
        return SettingsError(
            f"There is no setting {path}" + (f" (in {file})." if file else "."),
            remedy=f"Did you mean {', '.join(near)}?" if near else "`foveal doctor --settings` lists them.",
        )
    return SettingsError(f"The setting {where} is wrong: {first['msg']}.", remedy="See docs/reference/settings.md.")

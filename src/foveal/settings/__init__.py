"""The settings table: every knob of Foveal with its default, from which flags, environment and docs come.

Order of precedence: flags, then the environment (`FOVEAL_` + the path of the setting in capitals, joined by `_`:
`chat.base_url` is `FOVEAL_CHAT_BASE_URL`), then `foveal.toml`, then the defaults, which stand group by group in the
modules beside this one. The file is the one named by `FOVEAL_CONFIG` or `--config`, else `foveal.toml` in the working
directory, else `foveal.toml` in the home.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, get_args, get_origin

import platformdirs
from pydantic import BaseModel, BeforeValidator, Field, SecretStr, StringConstraints, ValidationError
from pydantic.fields import FieldInfo

from foveal.errors import SettingsError
from foveal.settings.answers import Answering, Keeping, Live, Safety
from foveal.settings.content import Chunking, DecodeLimits, Speech, Understanding, Video
from foveal.settings.group import Group
from foveal.settings.models import Budget, ChatServer, DeploymentServer, EmbeddingServer, ModelServer, Rerank
from foveal.settings.serving import Embedded, Fetching, OpenId, Serving, SigningIn, Uploading, WebPages

ENV_PREFIX = "FOVEAL_"
NOT_SETTINGS = frozenset({"FOVEAL_CONFIG", "FOVEAL_TEST_DATA"})
"""Variables with the prefix that are read elsewhere."""


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

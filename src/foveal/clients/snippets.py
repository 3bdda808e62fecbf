"""A chat request as a program that sends it: curl, Python (the `openai` package) and JavaScript (npm `openai`).

Pure: the command line and the web page print the same text. The key is read from `AZURE_OPENAI_API_KEY` when the
program runs and never stands in it.
"""

from __future__ import annotations

import json
import mimetypes
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote, urlencode

Language = Literal["curl", "python", "javascript"]
KEY_VARIABLE = "AZURE_OPENAI_API_KEY"
NEWEST_GA = "2024-10-21"
"""Newest version of the wire that was generally available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnippetImage:
    """An image by its address (http, https or data) or by the path of a file that the program reads."""

    url: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnippetMessage:
    """One turn."""

    role: Literal["system", "user", "assistant"] = "user"
    text: str = ""
    images: tuple[SnippetImage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SnippetSource:
    """The index that answers; what is None is not sent, so that the server's default holds.

    Attributes:
        query_type: `simple`, `semantic`, `vector`, `vector_simple_hybrid` or `vector_semantic_hybrid`.
        role_information: The system message of chats with data.
    """

    index: str
    top_n_documents: int | None = None
    strictness: int | None = None
    in_scope: bool | None = None
    query_type: str | None = None
    filter: str | None = None
    role_information: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnippetRequest:
    """A chat request.

    Attributes:
        endpoint: Address of the server, without a path.
        sources: None of them asks the deployment without data.
    """

    endpoint: str
    deployment: str
    api_version: str
    messages: tuple[SnippetMessage, ...]
    sources: tuple[SnippetSource, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    stream: bool = False


def snippet(request: SnippetRequest, language: Language) -> str:
    """The program, ending in a newline."""
    return _WRITERS[language](request)


@dataclass(frozen=True, slots=True)
class _FileUrl:
    """Stands in a request for the data URL of a file."""

    path: str

    @property
    def media_type(self) -> str:
        return mimetypes.guess_type(self.path)[0] or "application/octet-stream"


_Tree: TypeAlias = "str | int | float | bool | _FileUrl | Sequence[_Tree] | Mapping[str, _Tree]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notation:
    """How a language writes the values of JSON and the data URL of a file."""

    true: str = "true"
    false: str = "false"
    step: str = "  "
    file_url: Callable[[_FileUrl], str]

    def write(self, value: _Tree, indent: str = "") -> str:
        match value:
            case bool():
                return self.true if value else self.false
            case int() | float():
                return str(value)
            case str():
                return _string(value)
            case _FileUrl():
                return self.file_url(value)
            case Mapping():
                inner = indent + self.step
                items = [f"{_string(name)}: {self.write(item, inner)}" for name, item in value.items()]
                return self._block("{", items, "}", indent)
            case _:
                return self._block("[", [self.write(item, indent + self.step) for item in value], "]", indent)

    def _block(self, opening: str, items: list[str], closing: str, indent: str) -> str:
        lines = ",\n".join(f"{indent}{self.step}{item}" for item in items)
        return f"{opening}\n{lines}\n{indent}{closing}"


def _string(text: str) -> str:
    """A JSON string, which is one of Python and JavaScript too; lone surrogates, which no file can hold, replaced."""
    return json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False)


def _messages(request: SnippetRequest) -> list[_Tree]:
    return [{"role": message.role, "content": _content(message)} for message in request.messages]


def _content(message: SnippetMessage) -> _Tree:
    if not message.images:
        return message.text
    text: list[_Tree] = [{"type": "text", "text": message.text}] if message.text else []
    images: list[_Tree] = [
        {"type": "image_url", "image_url": {"url": _FileUrl(image.path) if image.path else image.url}}
        for image in message.images
    ]
    return text + images


def _sources(sources: Sequence[SnippetSource]) -> list[_Tree]:
    """The 2024 form. The service demands an endpoint and authentication; Foveal knows its indexes by name."""
    return [{"type": "azure_search", "parameters": _parameters(source)} for source in sources]


def _parameters(source: SnippetSource) -> dict[str, _Tree]:
    given: dict[str, _Tree | None] = {
        "index_name": source.index,
        "top_n_documents": source.top_n_documents,
        "strictness": source.strictness,
        "in_scope": source.in_scope,
        "query_type": source.query_type,
        "filter": source.filter,
        "role_information": source.role_information,
    }
    return {name: value for name, value in given.items() if value is not None}


def _options(request: SnippetRequest) -> dict[str, _Tree]:
    """Members of the body that every SDK knows, without the messages."""
    options: dict[str, _Tree] = {}
    if request.max_tokens is not None:
        options["max_tokens"] = request.max_tokens
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.stream:
        options["stream"] = True
    return options


def _files(request: SnippetRequest) -> bool:
    return any(image.path for message in request.messages for image in message.images)


def _curl(request: SnippetRequest) -> str:
    """The body goes through standard input: as an argument an image would be too long (128 KiB on Linux)."""
    body: dict[str, _Tree] = {"messages": _messages(request), **_options(request)}
    if request.sources:
        body["data_sources"] = _sources(request.sources)
    url = (
        f"{request.endpoint.rstrip('/')}/openai/deployments/{quote(request.deployment, safe='')}/chat/completions?"
        + urlencode({"api-version": request.api_version})
    )
    lines = [
        f"curl --silent --show-error{' --no-buffer' if request.stream else ''} {shlex.quote(url)} \\",
        '  --header "Content-Type: application/json" \\',
        f'  --header "api-key: ${KEY_VARIABLE}" \\',
    ]
    if _files(request):
        return "\n".join([*lines, "  --data-binary @- <<JSON", _expanded_document(body), "JSON", ""])
    document = _Notation(file_url=_shell_url).write(body)
    return "\n".join([*lines, "  --data-binary @- <<'JSON'", document, "JSON", ""])


def _expanded_document(body: Mapping[str, _Tree]) -> str:
    """A document that the shell expands: files are read there, and what the shell would see elsewhere is escaped.

    POSIX, section 2.7.4: in an unquoted here-document `$`, a backquote and a backslash before one of them are special.
    """
    marks: dict[str, str] = {}

    def marked(file: _FileUrl) -> str:
        mark = f"\0{len(marks)}\0"  # no JSON text holds a NUL
        marks[mark] = _shell_url(file)
        return mark

    text = _Notation(file_url=marked).write(body)
    for special in ("\\", "$", "`"):
        text = text.replace(special, "\\" + special)
    for mark, url in marks.items():
        text = text.replace(mark, url)
    return text


def _shell_url(file: _FileUrl) -> str:
    return f"\"data:{file.media_type};base64,$(base64 < {shlex.quote(file.path)} | tr -d '\\n')\""


def _python(request: SnippetRequest) -> str:
    notation = _Notation(
        true="True",
        false="False",
        step="    ",
        file_url=lambda file: f"data_url({_string(file.path)}, {_string(file.media_type)})",
    )
    arguments = {"model": request.deployment, "messages": _messages(request), **_options(request)}
    if request.sources:
        arguments["extra_body"] = {"data_sources": _sources(request.sources)}
    helper = [
        "",
        "",
        "def data_url(path, media_type):",
        '    with open(path, "rb") as file:',
        '        return f"data:{media_type};base64,{base64.b64encode(file.read()).decode()}"',
        "",
    ]
    files = _files(request)
    return "\n".join(
        [
            *(["import base64"] if files else []),
            "import os",
            "",
            "from openai import AzureOpenAI",
            *(helper if files else []),
            "",
            "client = AzureOpenAI(",
            f"    azure_endpoint={_string(request.endpoint)},",
            f"    api_key=os.environ[{_string(KEY_VARIABLE)}],",
            f"    api_version={_string(request.api_version)},",
            ")",
            "reply = client.chat.completions.create(",
            *(f"    {name}={notation.write(value, '    ')}," for name, value in arguments.items()),
            ")",
            *(_PYTHON_STREAM if request.stream else ("print(reply.choices[0].message.content)",)),
            "",
        ]
    )


_PYTHON_STREAM = (
    "for chunk in reply:",
    "    if chunk.choices and chunk.choices[0].delta.content:",
    '        print(chunk.choices[0].delta.content, end="", flush=True)',
    "print()",
)
_JAVASCRIPT_STREAM = (
    "for await (const chunk of reply) {",
    '  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");',
    "}",
    "console.log();",
)


def _javascript(request: SnippetRequest) -> str:
    notation = _Notation(file_url=lambda file: f"dataUrl({_string(file.path)}, {_string(file.media_type)})")
    body: dict[str, _Tree] = {
        "model": request.deployment,
        "messages": _messages(request),
        **_options(request),
    }
    if request.sources:
        body["data_sources"] = _sources(request.sources)
    helper = [
        "",
        "const dataUrl = (path, mediaType) =>",
        '  `data:${mediaType};base64,${readFileSync(path).toString("base64")}`;',
    ]
    files = _files(request)
    return "\n".join(
        [
            *(['import { readFileSync } from "node:fs";'] if files else []),
            'import { AzureOpenAI } from "openai";',
            *(helper if files else []),
            "",
            "const client = new AzureOpenAI({",
            f"  endpoint: {_string(request.endpoint)},",
            f"  apiKey: process.env.{KEY_VARIABLE},",
            f"  apiVersion: {_string(request.api_version)},",
            "});",
            f"const reply = await client.chat.completions.create({notation.write(body)});",
            *(_JAVASCRIPT_STREAM if request.stream else ("console.log(reply.choices[0].message.content);",)),
            "",
        ]
    )


_WRITERS: Mapping[Language, Callable[[SnippetRequest], str]] = {
    "curl": _curl,
    "python": _python,
    "javascript": _javascript,
}

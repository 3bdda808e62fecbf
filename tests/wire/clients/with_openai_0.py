"""openai 0.28, with data sources as Microsoft's samples of 2023 added them: an adapter that changes the path."""

from __future__ import annotations

import openai
import requests
from cases import (
    ASKED,
    DEPLOYMENT,
    EMBEDDING,
    ENDPOINT,
    KEY,
    NEW_SOURCES,
    OLD_SOURCES,
    PLAIN,
    VISION,
    case,
    first,
    told,
)

openai.api_type = "azure"
openai.api_base = ENDPOINT
openai.api_key = KEY


class BringYourOwnDataAdapter(requests.adapters.HTTPAdapter):
    def send(self, request, *arguments, **options):
        request.url = (
            f"{ENDPOINT}/openai/deployments/{DEPLOYMENT}/extensions/chat/completions?api-version={openai.api_version}"
        )
        return super().send(request, *arguments, **options)


def with_extensions():
    session = requests.Session()
    session.mount(f"{ENDPOINT}/openai/deployments/{DEPLOYMENT}", BringYourOwnDataAdapter())
    return session


def whole(messages, version="2024-02-01", engine=DEPLOYMENT, **options):
    openai.api_version = version
    reply = openai.ChatCompletion.create(engine=engine, messages=messages, **options)
    choice = reply.choices[0]
    if "messages" in choice:  # the form of June 2023
        tool, answer = choice["messages"]
        return told(answer["content"], {"messages": [tool]}, finish=choice["finish_reason"])
    return told(choice["message"]["content"], choice["message"].get("context"), finish=choice["finish_reason"])


def streamed(messages, version="2024-02-01", engine=DEPLOYMENT, **options):
    openai.api_version = version
    chunks = list(openai.ChatCompletion.create(engine=engine, messages=messages, stream=True, **options))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    if any("messages" in choice for choice in choices):
        deltas = [choice["messages"][0]["delta"] for choice in choices]
        tools = [{"messages": [delta]} for delta in deltas if delta.get("role") == "tool"]
        said = [delta.get("content") or "" for delta in deltas if delta.get("role") != "tool"]
        return told("".join(said), first(tools), chunks=len(chunks))
    deltas = [choice["delta"] for choice in choices]
    context = first(delta.get("context") for delta in deltas)
    return told("".join(delta.get("content") or "" for delta in deltas), context, chunks=len(chunks))


def embedded(inputs):
    openai.api_version = "2024-02-01"
    reply = openai.Embedding.create(engine=EMBEDDING, input=inputs)
    return {"lengths": [len(item["embedding"]) for item in reply["data"]]}


for suffix, ask in (("", whole), (" streamed", streamed)):
    case(f"plain{suffix}", lambda ask=ask: ask(PLAIN))
    case(f"vision{suffix}", lambda ask=ask: ask(VISION, max_tokens=100))
    case(f"data of 2024{suffix}", lambda ask=ask: ask(ASKED, data_sources=NEW_SOURCES))
    case(f"unknown deployment{suffix}", lambda ask=ask: ask(PLAIN, engine="nothing"))
    case(f"bad key{suffix}", lambda ask=ask: ask(PLAIN, api_key="wrong"))
case("embeddings", lambda: embedded("parrots"))
case("embeddings of several", lambda: embedded(["parrots", "cages"]))
openai.requestssession = with_extensions()
for suffix, ask in (("", whole), (" streamed", streamed)):
    for version, name in (
        ("2023-12-01-preview", "2023"),
        ("2023-08-01-preview", "August 2023"),
        ("2023-06-01-preview", "June 2023"),
    ):
        case(f"data of {name}{suffix}", lambda ask=ask, version=version: ask(ASKED, version, dataSources=OLD_SOURCES))

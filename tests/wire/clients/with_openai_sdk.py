"""openai 1 and later."""

from __future__ import annotations

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
from openai import AzureOpenAI, OpenAI

new = AzureOpenAI(azure_endpoint=ENDPOINT, api_key=KEY, api_version="2024-10-21", max_retries=0)
old = AzureOpenAI(
    base_url=f"{ENDPOINT}/openai/deployments/{DEPLOYMENT}/extensions",
    api_key=KEY,
    api_version="2023-12-01-preview",
    max_retries=0,
)
v1 = OpenAI(base_url=f"{ENDPOINT}/openai/v1/", api_key=KEY, max_retries=0)
bad = AzureOpenAI(azure_endpoint=ENDPOINT, api_key="wrong", api_version="2024-10-21", max_retries=0)


def whole(client, messages, model=DEPLOYMENT, **options):
    reply = client.chat.completions.create(model=model, messages=messages, **options)
    message = reply.choices[0].message
    return told(message.content, (message.model_extra or {}).get("context"), finish=reply.choices[0].finish_reason)


def streamed(client, messages, model=DEPLOYMENT, **options):
    chunks = list(client.chat.completions.create(model=model, messages=messages, stream=True, **options))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    context = first((delta.model_extra or {}).get("context") for delta in deltas)
    finish = first(chunk.choices[0].finish_reason for chunk in chunks if chunk.choices)
    return told("".join(delta.content or "" for delta in deltas), context, finish=finish, chunks=len(chunks))


def helped(client, messages):
    with client.chat.completions.stream(model=DEPLOYMENT, messages=messages) as stream:
        return told(stream.get_final_completion().choices[0].message.content)


def embedded(client, inputs, **options):
    reply = client.embeddings.create(model=EMBEDDING, input=inputs, **options)
    return {"lengths": [len(item.embedding) for item in reply.data], "tokens": reply.usage.prompt_tokens}


new_form = {"extra_body": {"data_sources": NEW_SOURCES}}
old_form = {"extra_body": {"dataSources": OLD_SOURCES}}
for suffix, ask in (("", whole), (" streamed", streamed)):
    case(f"plain{suffix}", lambda ask=ask: ask(new, PLAIN))
    case(f"plain on v1{suffix}", lambda ask=ask: ask(v1, PLAIN))
    case(f"vision{suffix}", lambda ask=ask: ask(new, VISION, max_tokens=100))
    case(f"data of 2024{suffix}", lambda ask=ask: ask(new, ASKED, **new_form))
    case(f"data of 2023{suffix}", lambda ask=ask: ask(old, ASKED, **old_form))
    case(f"unknown deployment{suffix}", lambda ask=ask: ask(new, PLAIN, model="nothing"))
    case(f"bad key{suffix}", lambda ask=ask: ask(bad, PLAIN))
case("plain by the stream helper", lambda: helped(new, PLAIN))
case("embeddings", lambda: embedded(new, "parrots"))
case("embeddings of several as floats", lambda: embedded(new, ["parrots", "cages"], encoding_format="float"))
case("embeddings of tokens", lambda: embedded(new, [[15339, 1917]]))
case("embeddings on v1", lambda: embedded(v1, "parrots"))
case("models", lambda: {"names": [model.id for model in new.models.list()]})

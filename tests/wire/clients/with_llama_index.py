"""llama-index-multi-modal-llms-azure-openai, as in seed 003: chat and completion, now and in an event loop."""

from __future__ import annotations

import asyncio
import base64

from cases import DEPLOYMENT, ENDPOINT, IMAGE, KEY, NEW_SOURCES, OLD_SOURCES, QUESTION, WORDS, case, first, told
from llama_index.core.llms import ChatMessage
from llama_index.core.schema import ImageDocument
from llama_index.multi_modal_llms.azure_openai import AzureOpenAIMultiModal

IMAGES = [
    ImageDocument(image=base64.b64encode(IMAGE.read_bytes()).decode(), image_mimetype="image/png"),
    ImageDocument(image_path=str(IMAGE), image_mimetype="image/png"),
]


def llm(engine=DEPLOYMENT, key=KEY, version="2023-12-01-preview", **options):
    return AzureOpenAIMultiModal(
        engine=engine,
        model="gpt-4-vision-preview",
        azure_endpoint=ENDPOINT,
        api_key=key,
        api_version=version,
        max_new_tokens=300,
        max_retries=0,
        additional_kwargs=options,
    )


def context(raw):
    part = getattr(raw.choices[0], "message", None) or raw.choices[0].delta
    return (part.model_extra or {}).get("context")


def whole(client, prompt=QUESTION, images=()):
    response = client.complete(prompt=prompt, image_documents=list(images))
    return told(str(response), context(response.raw))


def streamed(client, prompt=QUESTION, images=()):
    parts = list(client.stream_complete(prompt=prompt, image_documents=list(images)))
    return told(parts[-1].text, first(context(part.raw) for part in parts if part.raw.choices), chunks=len(parts))


async def in_a_loop(client, prompt, images):
    response = await client.acomplete(prompt=prompt, image_documents=images)
    parts = [part async for part in await client.astream_complete(prompt=prompt, image_documents=images)]
    return told(str(response), same=parts[-1].text == str(response))


def chatted(client):
    messages = [ChatMessage(role="system", content="You are helpful."), ChatMessage(role="user", content=QUESTION)]
    whole_reply = client.chat(messages)
    parts = list(client.stream_chat(messages))
    return told(whole_reply.message.content, same=parts[-1].message.content == whole_reply.message.content)


new_form = {"extra_body": {"data_sources": NEW_SOURCES}}
old_form = {"extra_body": {"dataSources": OLD_SOURCES}}
for suffix, ask in (("", whole), (" streamed", streamed)):
    case(f"plain{suffix}", lambda ask=ask: ask(llm()))
    case(f"vision{suffix}", lambda ask=ask: ask(llm(), WORDS, IMAGES))
    case(f"data of 2024{suffix}", lambda ask=ask: ask(llm(version="2024-10-21", **new_form)))
    case(f"data of 2023{suffix}", lambda ask=ask: ask(llm(f"{DEPLOYMENT}/extensions", **old_form)))
    case(f"unknown deployment{suffix}", lambda ask=ask: ask(llm("nothing")))
    case(f"bad key{suffix}", lambda ask=ask: ask(llm(key="wrong")))
case("plain as a chat", lambda: chatted(llm()))
case("vision in a loop", lambda: asyncio.run(in_a_loop(llm(), WORDS, IMAGES)))

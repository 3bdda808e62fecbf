"""langchain-openai."""

from __future__ import annotations

from cases import (
    DEPLOYMENT,
    EMBEDDING,
    ENDPOINT,
    KEY,
    NEW_SOURCES,
    OLD_SOURCES,
    QUESTION,
    VISION,
    case,
    told,
)
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings, ChatOpenAI

PLAIN = [SystemMessage("You are a helpful assistant."), HumanMessage(QUESTION)]
ASKED = [HumanMessage(QUESTION)]
SEEN = [HumanMessage(VISION[0]["content"])]


def llm(deployment=DEPLOYMENT, key=KEY, version="2024-10-21", **options):
    return AzureChatOpenAI(
        azure_endpoint=ENDPOINT,
        azure_deployment=deployment,
        api_key=key,
        api_version=version,
        max_retries=0,
        **options,
    )


def whole(client, messages):
    return told(client.invoke(messages).text)


def streamed(client, messages):
    chunks = list(client.stream(messages))
    return told("".join(chunk.text for chunk in chunks), chunks=len(chunks))


def embedded():
    # It would count tokens with files that it fetches from the internet.
    model = AzureOpenAIEmbeddings(
        azure_endpoint=ENDPOINT,
        azure_deployment=EMBEDDING,
        api_key=KEY,
        api_version="2024-10-21",
        check_embedding_ctx_length=False,
        max_retries=0,
    )
    return {"lengths": [len(vector) for vector in model.embed_documents(["parrots", "cages"])]}


new_form = {"extra_body": {"data_sources": NEW_SOURCES}}
old_form = {
    "deployment": f"{DEPLOYMENT}/extensions",
    "version": "2023-12-01-preview",
    "extra_body": {"dataSources": OLD_SOURCES},
}
for suffix, ask in (("", whole), (" streamed", streamed)):
    case(f"plain{suffix}", lambda ask=ask: ask(llm(), PLAIN))
    case(f"vision{suffix}", lambda ask=ask: ask(llm(), SEEN))
    case(f"data of 2024{suffix}", lambda ask=ask: ask(llm(**new_form), ASKED))
    case(f"data of 2023{suffix}", lambda ask=ask: ask(llm(**old_form), ASKED))
    case(f"unknown deployment{suffix}", lambda ask=ask: ask(llm("nothing"), PLAIN))
    case(f"bad key{suffix}", lambda ask=ask: ask(llm(key="wrong"), PLAIN))
v1 = ChatOpenAI(base_url=f"{ENDPOINT}/openai/v1", api_key=KEY, model=DEPLOYMENT, max_retries=0)
case("plain on v1", lambda: whole(v1, PLAIN))
case("embeddings", embedded)

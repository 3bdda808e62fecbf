"""Every exception of the SDK has a place in the error tree."""

from __future__ import annotations

import re
from asyncio import run
from pathlib import Path

import numpy as np
import openai
import pytest

from foveal.errors import (
    AssetFilteredError,
    ContentFilteredError,
    FovealError,
    ModelOverloadedError,
    ModelRejectedError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from foveal.models.openai_captioner import OpenAICaptioner
from foveal.models.openai_chat import OpenAIChatModel
from foveal.models.openai_client import Endpoint
from foveal.models.openai_errors import OUTCOMES, translated
from foveal.testing.contracts.chat_model import events_of
from foveal.testing.openai_server import Faults, OpenAIServer
from foveal.types.chat import Message

_CLASS = re.compile(r"^class (\w+)\(([^)]*)\)", re.MULTILINE)
_HELLO = (Message(role="user", text="Hello harbour"),)


def _sdk_exceptions() -> set[str]:
    """Names of all classes of the SDK that descend from OpenAIError, read from its source: imported or not."""
    bases: dict[str, set[str]] = {}
    for file in Path(openai.__file__).parent.rglob("*.py"):
        for name, parents in _CLASS.findall(file.read_text("utf-8")):
            bases.setdefault(name, set()).update(parent.strip().split("[")[0] for parent in parents.split(","))
    known = {"OpenAIError"}
    while more := {name for name, parents in bases.items() if parents & known} - known:
        known |= more
    return known


def test_every_exception_class_of_the_sdk_is_mapped_by_name() -> None:
    found = _sdk_exceptions()
    assert {"RateLimitError", "APITimeoutError", "OAuthError"} <= found
    assert found - OUTCOMES.keys() == set(), "a new exception of the SDK: give it an outcome in openai_errors"


def test_no_outcome_is_kept_for_a_class_that_is_gone() -> None:
    assert OUTCOMES.keys() - _sdk_exceptions() == set()


def test_an_exception_of_a_newer_sdk_is_translated_as_its_ancestor() -> None:
    class BrandNewError(openai.AuthenticationError):
        pass

    error = BrandNewError.__new__(BrandNewError)
    assert isinstance(translated(error, server="x"), ModelRejectedError)


@pytest.mark.parametrize(
    ("faults", "expected", "code"),
    [
        (Faults(overloaded=9), ModelOverloadedError, "model_overloaded"),
        (Faults(broken=9), ModelUnavailableError, "model_unavailable"),
        (Faults(status=503), ModelUnavailableError, "model_unavailable"),
        (Faults(status=504), ModelTimeoutError, "model_timeout"),
        (Faults(status=408), ModelTimeoutError, "model_timeout"),
        (Faults(status=400), ModelRejectedError, "model_rejected"),
        (Faults(status=401), ModelRejectedError, "model_rejected"),
        (Faults(status=402), ModelRejectedError, "model_rejected"),
        (Faults(status=403), ModelRejectedError, "model_rejected"),
        (Faults(status=404), ModelRejectedError, "model_rejected"),
        (Faults(status=409), ModelUnavailableError, "model_unavailable"),
        (Faults(status=413), ModelRejectedError, "model_rejected"),
        (Faults(status=422), ModelRejectedError, "model_rejected"),
        (Faults(filtered=True), ContentFilteredError, "content_filter"),
        (Faults(garbage=True), ModelUnavailableError, "model_unavailable"),
        (Faults(disconnect_after=2), ModelUnavailableError, "model_unavailable"),
        (Faults(unfinished=True), ModelUnavailableError, "model_unavailable"),
        (Faults(error_after=1), ModelUnavailableError, "model_unavailable"),
        (Faults(error_after=1, code="rate_limit_exceeded"), ModelOverloadedError, "model_overloaded"),
    ],
)
def test_whatever_a_server_does_wrong_becomes_an_error_that_names_it(
    server: OpenAIServer, endpoint: Endpoint, faults: Faults, expected: type[FovealError], code: str
) -> None:
    server.faults = faults
    with pytest.raises(FovealError) as caught:
        run(events_of(OpenAIChatModel(endpoint), _HELLO))
    assert type(caught.value) is expected
    assert caught.value.code == code
    assert "fake at 127.0.0.1" in caught.value.message
    assert caught.value.remedy


def test_a_server_that_is_not_there_is_unavailable() -> None:
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", model="fake", max_retries=0)
    with pytest.raises(ModelUnavailableError, match=r"127\.0\.0\.1:9"):
        run(events_of(OpenAIChatModel(endpoint), _HELLO))


def test_the_wait_a_server_asks_for_is_passed_on(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(overloaded=9, retry_after_s=7.5)
    with pytest.raises(ModelOverloadedError) as caught:
        run(events_of(OpenAIChatModel(endpoint), _HELLO))
    assert caught.value.retry_after_s == 7.5


def test_a_filtered_picture_is_that_files_error_and_a_wrong_key_is_not(
    server: OpenAIServer, endpoint: Endpoint
) -> None:
    captioner = OpenAICaptioner(endpoint, prompt="Describe the image", prompt_version="1")
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    server.faults = Faults(filtered=True)
    with pytest.raises(AssetFilteredError) as caught:
        captioner.caption(picture, "")
    assert caught.value.stage == "understand"
    server.faults = Faults(status=401)
    with pytest.raises(ModelRejectedError):
        captioner.caption(picture, "")


def test_what_a_servers_filter_found_is_passed_on(server: OpenAIServer, endpoint: Endpoint) -> None:
    server.faults = Faults(filtered=True)
    with pytest.raises(ContentFilteredError) as caught:
        run(events_of(OpenAIChatModel(endpoint), _HELLO))
    assert caught.value.results == {"violence": {"filtered": True, "severity": "medium"}}


def test_a_key_never_shows_in_an_error(server: OpenAIServer) -> None:
    endpoint = Endpoint(
        base_url=server.base_url.replace("http://", "http://user:hidden@"),
        model="fake",
        api_key="topsecret",
        max_retries=0,
    )
    server.faults = Faults(status=401)
    with pytest.raises(ModelRejectedError) as caught:
        run(events_of(OpenAIChatModel(endpoint), _HELLO))
    assert "topsecret" not in str(caught.value)
    assert "hidden" not in str(caught.value)

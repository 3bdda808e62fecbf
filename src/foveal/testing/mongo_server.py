"""A server of the MongoDB protocol for tests: the handshake, `find`, `aggregate` with vector stages, indexes, counts.

It speaks OP_MSG ("MongoDB Wire Protocol") over a socket, with bson of pymongo, and evaluates what it is sent over real
documents: the stages `$search`/`cosmosSearch`, `$vectorSearch` and `$project`, and the operators of their filters. What
it does not know it refuses as a server does, so that a pipeline that is misspelt fails a test.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import bson
import numpy as np

Document = dict[str, Any]
_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013
_COSMOS, _ATLAS = "searchScore", "vectorSearchScore"


class RefusedError(Exception):
    """What a server answers in place of a reply, with its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MongoServer:
    """One collection behind a socket.

    Args:
        documents: What is in it.
        vector: Path of the vectors, and their length.
        index: Name of the vector index.

    Attributes:
        refusal: Every command but the handshake is answered by it, when set.
        pipelines: Every pipeline it was sent, in order.
    """

    def __init__(self, documents: Sequence[Mapping[str, Any]], *, vector: tuple[str, int], index: str) -> None:
        self.documents = [dict(document) for document in documents]
        self.vector, self.dimensions = vector
        self.index = index
        self.refusal: RefusedError | None = None
        self.pipelines: list[list[Document]] = []
        self.address = ""

    def reply(self, command: Document) -> Document:
        """What is answered to one command."""
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return _hello()
        if name in ("ping", "endSessions"):
            return {"ok": 1.0}
        if self.refusal is not None:
            raise self.refusal
        collection = f"{command.get('$db')}.{command[name]}"
        if name == "find":
            return _cursor(self.documents[: int(command.get("limit") or len(self.documents))], collection)
        if name == "count":
            return {"n": len(self.documents), "ok": 1.0}
        if name == "listIndexes":
            return _cursor(self._indexes(), collection)
        if name == "aggregate":
            return _cursor(self._aggregate(command["pipeline"]), collection)
        raise RefusedError(59, f"no such command: '{name}'")

    def _indexes(self) -> list[Document]:
        options = {"kind": "vector-hnsw", "similarity": "COS", "dimensions": self.dimensions}
        key = {self.vector: "cosmosSearch"}
        return [
            {"v": 2, "key": {"_id": 1}, "name": "_id_"},
            {"v": 2, "key": key, "name": self.index, "cosmosSearchOptions": options},
        ]

    def _aggregate(self, pipeline: list[Document]) -> list[Document]:
        first = pipeline[0]
        if "$listSearchIndexes" in first:
            return self._search_indexes(first["$listSearchIndexes"])
        self.pipelines.append(pipeline)
        if "$search" in first:
            asked = first["$search"]["cosmosSearch"]
            known = {"vector", "path", "k", "filter"}
            scored, limit, meta = self._scored(asked, asked["vector"], known), asked["k"], _COSMOS
        elif "$vectorSearch" in first:
            asked = first["$vectorSearch"]
            if asked["index"] != self.index:
                return []
            if not asked["limit"] <= asked["numCandidates"] <= 10_000:
                raise RefusedError(2, "numCandidates must be between limit and 10000")
            known = {"index", "path", "queryVector", "numCandidates", "limit", "filter"}
            scored, limit, meta = self._scored(asked, asked["queryVector"], known), asked["limit"], _ATLAS
            scored = [((1.0 + score) / 2.0, document) for score, document in scored]
        else:
            raise RefusedError(40324, f"Unrecognized pipeline stage name: '{next(iter(first))}'")
        found = [(document, {meta: score}) for score, document in scored[:limit]]
        for stage in pipeline[1:]:
            if set(stage) != {"$project"}:
                raise RefusedError(40324, f"Unrecognized pipeline stage name: '{next(iter(stage))}'")
            found = [(_projected(document, stage["$project"], told), told) for document, told in found]
        return [document for document, _ in found]

    def _search_indexes(self, asked: Document) -> list[Document]:
        if asked.get("name", self.index) != self.index:
            return []
        fields = [
            {"type": "vector", "path": self.vector, "numDimensions": self.dimensions, "similarity": "cosine"},
            {"type": "filter", "path": "groups"},
        ]
        return [{"name": self.index, "type": "vectorSearch", "latestDefinition": {"fields": fields}}]

    def _scored(self, asked: Document, vector: list[float], known: set[str]) -> list[tuple[float, Document]]:
        if set(asked) - known:
            raise RefusedError(2, f"unknown field {sorted(set(asked) - known)}")
        if asked["path"] != self.vector or len(vector) != self.dimensions:
            raise RefusedError(2, "Vector field is indexed with another path or number of dimensions.")
        passing = [one for one in self.documents if _passes(one, asked.get("filter") or {})]
        scored = [(float(np.dot(vector, one[self.vector])), one) for one in passing]
        return sorted(scored, key=lambda pair: -pair[0])


def _passes(document: Document, condition: Document) -> bool:
    return all(_holds(document, name, wanted) for name, wanted in condition.items())


def _holds(document: Document, name: str, wanted: Any) -> bool:
    if name == "$or":
        return any(_passes(document, one) for one in wanted)
    ((operator, operand),) = wanted.items()
    value = document.get(name)
    if operator == "$exists":
        return (name in document) is operand
    if operator == "$eq":
        return bool(value == operand)
    if operator == "$in":
        return bool(set(value if isinstance(value, list) else [value]) & set(operand))
    raise RefusedError(2, f"unknown operator: {operator}")


def _projected(document: Document, wanted: Document, told: Mapping[str, float]) -> Document:
    shown = {"_id": document["_id"]}
    for name, how in wanted.items():
        if isinstance(how, dict):
            if how["$meta"] not in told:
                raise RefusedError(40218, f"query requires {how['$meta']} metadata, but it is not available")
            shown[name] = told[how["$meta"]]
        elif name in document:
            shown[name] = document[name]
    return shown


def _hello() -> Document:
    return {
        "isWritablePrimary": True,
        "maxBsonObjectSize": 16 * 2**20,
        "maxMessageSizeBytes": 48_000_000,
        "maxWriteBatchSize": 100_000,
        "minWireVersion": 0,
        "maxWireVersion": 21,
        "readOnly": False,
        "ok": 1.0,
    }


def _cursor(documents: list[Document], collection: str) -> Document:
    return {"cursor": {"firstBatch": documents, "id": 0, "ns": collection}, "ok": 1.0}


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Answer messages until the other side hangs up."""
        server: MongoServer = self.server.mongo  # type: ignore[attr-defined]
        while (head := self._read(_HEADER.size)) is not None:
            length, request_id, _, kind = _HEADER.unpack(head)
            body = self._read(length - _HEADER.size) or b""
            command = _command_of(body, kind)
            try:
                reply = server.reply(command)
            except RefusedError as refused:
                reply = {"ok": 0.0, "code": refused.code, "errmsg": str(refused), "codeName": "Refused"}
            self._write(request_id, reply, kind)

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                piece = self.request.recv(size - len(data))
            except OSError:
                return None
            if not piece:
                return None
            data += piece
        return data

    def _write(self, request_id: int, reply: Document, kind: int) -> None:
        if kind == _OP_MSG:
            body, code = struct.pack("<ib", 0, 0) + bson.encode(reply), _OP_MSG
        else:  # OP_REPLY, to the first handshake of a driver
            body, code = struct.pack("<iqii", 0, 0, 0, 1) + bson.encode(reply), 1
        self.request.sendall(_HEADER.pack(_HEADER.size + len(body), 0, request_id, code) + body)


def _command_of(body: bytes, kind: int) -> Document:
    if kind == _OP_MSG:
        return bson.decode(body[5 : 5 + struct.unpack_from("<i", body, 5)[0]])
    start = body.index(b"\0", 4) + 1 + 8  # OP_QUERY: flags, the collection's name, skip and limit
    return bson.decode(body[start : start + struct.unpack_from("<i", body, start)[0]])


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def serving(server: MongoServer) -> Iterator[str]:
    """Serve while the block runs; gives the connection string."""
    with _Server(("127.0.0.1", 0), _Handler) as listening:
        listening.mongo = server  # type: ignore[attr-defined]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        server.address = f"127.0.0.1:{listening.server_address[1]}"
        try:
            yield f"mongodb://{server.address}/?directConnection=true"
        finally:
            listening.shutdown()
            thread.join()

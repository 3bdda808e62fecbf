"""A stand-in for an Azure AI Content Safety resource, exact as to paths, headers, bodies, limits and levels.

Example:
    >>> with ContentSafetyServer() as server:
    ...     scorer = ContentSafetyScorer(server.endpoint, api_key=KEY)
    ...     scorer.score_texts(["Hate=5"])
"""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import numpy as np
from PIL import Image

CATEGORIES = ("Hate", "SelfHarm", "Sexual", "Violence")
KEY = "content-safety-key"


class ContentSafetyServer(ThreadingHTTPServer):
    """Serves from a thread while it is entered.

    Finds in a text what it names ("Hate=5"), and in an image as much sexual content as it has magenta.

    Attributes:
        calls: `(path with query, body)`, in order of arrival.
        failures: Statuses of the next answers, with their headers, before it works.
        hang_s: Seconds before an answer.
        garbage: Answers 200 with another shape.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failures: list[tuple[int, Mapping[str, str]]] = []
        self.hang_s = 0.0
        self.garbage = False

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ContentSafetyServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one call."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.calls.append((self.path, body))
        time.sleep(self.server.hang_s)
        if self.server.failures:
            status, headers = self.server.failures.pop(0)
            self._send(status, {"error": {"code": str(status), "message": "fault"}}, headers)
        elif self.headers["ocp-apim-subscription-key"] != KEY:
            self._send(401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key."}})
        elif self.server.garbage:
            self._send(200, {"categoriesAnalysis": [{"category": "Hate", "severity": 9}]})
        else:
            self._send(*self._analyzed(body))

    def _analyzed(self, body: dict[str, Any]) -> tuple[int, dict[str, object]]:
        route, _, query = self.path.partition("?")
        if query != "api-version=2024-09-01":
            return 404, {"error": {"code": "NotFound", "message": "version"}}
        if route == "/contentsafety/text:analyze":
            return self._text(body)
        return self._image(body) if route == "/contentsafety/image:analyze" else (404, {"error": {"code": "404"}})

    def _text(self, body: dict[str, Any]) -> tuple[int, dict[str, object]]:
        if not 0 < len(body["text"]) <= 10_000 or body["outputType"] not in {
            "FourSeverityLevels",
            "EightSeverityLevels",
        }:
            return 400, {"error": {"code": "InvalidRequestBody", "message": "text"}}
        named = {name: int(level) for name, level in re.findall(r"(\w+)=([0-7])", body["text"])}
        return 200, {"blocklistsMatch": [], **_analysis({name: named.get(name, 0) for name in CATEGORIES})}

    def _image(self, body: dict[str, Any]) -> tuple[int, dict[str, object]]:
        with Image.open(io.BytesIO(base64.b64decode(body["image"]["content"], validate=True))) as image:
            fits = all(50 <= side <= 2048 for side in image.size)
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
        if body["outputType"] != "FourSeverityLevels" or not fits:
            return 400, {"error": {"code": "InvalidRequestBody", "message": "image"}}
        magenta = float(((pixels[:, 0] > 200) & (pixels[:, 1] < 56) & (pixels[:, 2] > 200)).mean())
        return 200, _analysis({name: 2 * round(3 * magenta) if name == "Sexual" else 0 for name in CATEGORIES})

    def _send(self, status: int, body: dict[str, object], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _analysis(severities: Mapping[str, int]) -> dict[str, object]:
    return {"categoriesAnalysis": [{"category": name, "severity": level} for name, level in severities.items()]}

"""A small stand-in for the Hub: repositories of files in memory, by the part of its HTTP API that an upload and a
download call."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0" * 40


class Hub(ThreadingHTTPServer):
    """``files`` of each repository (``models/me/best``), and the ``asked`` requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = self._body()
        self.server.asked.append(f"POST {self.path}")
        if self.path == "/api/repos/create":
            wanted = json.loads(body)
            name = "/".join(filter(None, (wanted.get("organization"), wanted["name"])))
            kind = f"{wanted.get('type') or 'model'}s"
            self.server.files.setdefault(f"{kind}/{name}", {})
            self._json({"url": f"{self.server.address}/{name}", "name": name, "id": name})
        elif self.path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif found := re.fullmatch(r"/api/(.+)/preupload/[^/]+", self.path.partition("?")[0]):
            files = json.loads(body)["files"]
            self._json({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]})
        elif found := re.fullmatch(r"/api/(.+)/commit/[^/]+", self.path.partition("?")[0]):
            for line in body.decode().splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    value = entry["value"]
                    self.server.files[found[1]][value["path"]] = base64.b64decode(value["content"])
            url = f"{self.server.address}/{found[1].removeprefix('models/')}/commit/{COMMIT}"
            self._json({"commitUrl": url, "commitOid": COMMIT, "success": True})
        else:
            self._missing()

    def do_HEAD(self) -> None:
        self._send(body=False)

    def do_GET(self) -> None:
        self._send(body=True)

    def _send(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        found = re.fullmatch(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
        if found:
            files = self.server.files.get(f"{found[1] or 'models'}/{found[2]}")
            data = (files or {}).get(found[3])
            if data is None:
                self._missing("EntryNotFound" if files is not None else "RepoNotFound")
                return
            headers = {
                "X-Repo-Commit": COMMIT,
                "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
                "Content-Type": "application/octet-stream",
            }
            self._reply(200, data if body else b"", {**headers, "Content-Length": str(len(data))})
        elif found := re.fullmatch(r"/api/((?:models|datasets)/[^/]+/[^/]+)(/revision/[^/]+)?", path):
            files = self.server.files.get(found[1])
            if files is None:
                self._missing("RepoNotFound")
            else:
                siblings = [{"rfilename": name} for name in files]
                self._json({"id": found[1].partition("/")[2], "sha": COMMIT, "siblings": siblings, "private": False})
        else:
            self._missing()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _json(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self._reply(200, data, {"Content-Type": "application/json", "Content-Length": str(len(data))})

    def _missing(self, code: str = "RepoNotFound") -> None:
        self._reply(404, b"", {"X-Error-Code": code, "Content-Length": "0"})

    def _reply(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that answers while the block runs."""
    hub = Hub()
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()

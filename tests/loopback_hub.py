"""A hub on loopback: the paths of the Hugging Face hub that its client asks for, and raw files of GitHub.

Files are what a test puts into it. Large ones (those that a suffix says) have a SHA-256, as the hub has of
what lies in LFS; the others git's id of them.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = hashlib.sha1(b"the commit of every repository here").hexdigest()
TOKEN, OTHER_TOKEN = "hf_may_read", "hf_may_not_read"
LFS = (".jsonl", ".gz", ".parquet", ".safetensors")


@dataclass
class LoopbackHub:
    """What is served, and what was asked for."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By `datasets/owner/name`, `models/owner/name` or `github/owner/name`, then by path."""
    gated: set[str] = field(default_factory=set)
    licences: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Bytes after which the next download breaks off."""
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def downloads(self) -> list[str]:
        return [
            line for line in self.asked if line.startswith("GET") and COMMIT in line and "/api/" not in line
        ]


@contextmanager
def serving(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _handler(hub: LoopbackHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_) -> None:
            pass

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
            if found := re.fullmatch(
                r"/api/(datasets|models)/([^/]+/[^/]+)(?:/(revision|auth-check)/?(.*))?", path
            ):
                self._api(f"{found[1]}/{found[2]}", found[3], found[4])
            elif found := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                self._file(f"{'datasets' if found[1] else 'models'}/{found[2]}", found[3], found[4])
            elif found := re.fullmatch(r"/github/([^/]+/[^/]+)/([^/]+)/(.+)", path):
                self._file(f"github/{found[1]}", found[2], found[3])
            else:
                self._answer(404, b"no such place")

        do_HEAD = do_GET  # noqa: N815 (the server's own name)

        def _api(self, repo: str, what: str | None, revision: str) -> None:
            if self._refused(repo, revision if what == "revision" else ""):
                return
            if what == "auth-check":
                self._answer(200, b"{}")
                return
            document = {
                "id": repo.partition("/")[2],
                "sha": COMMIT,
                "private": False,
                "disabled": False,
                "gated": "auto" if repo in hub.gated else False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "cardData": {"license": hub.licences[repo]} if repo in hub.licences else None,
                "siblings": [
                    {
                        "rfilename": name,
                        "size": len(data),
                        "blobId": git_id(data),
                        **({"lfs": _lfs(data)} if name.endswith(LFS) else {}),
                    }
                    for name, data in hub.files[repo].items()
                ],
            }
            self._answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

        def _file(self, repo: str, revision: str, name: str) -> None:
            if self._refused(repo, revision):
                return
            data = hub.files[repo].get(name)
            commit = {"X-Repo-Commit": COMMIT}
            if data is None:
                self._answer(404, b"", {"X-Error-Code": "EntryNotFound", **commit})
                return
            headers = {**commit, "ETag": f'"{git_id(data)}"', "Accept-Ranges": "bytes"}
            if name.endswith(LFS):
                headers |= {"X-Linked-Etag": f'"{_lfs(data)["sha256"]}"', "X-Linked-Size": str(len(data))}
            start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            first = int(start[1]) if start else 0
            if first > len(data):
                self._answer(416, b"", headers)
            elif first:
                headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
                self._answer(206, data[first:], headers)
            else:
                self._answer(200, data, headers)

        def _refused(self, repo: str, revision: str) -> bool:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token and token not in (TOKEN, OTHER_TOKEN):
                self._answer(401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"})
            elif repo not in hub.files:
                self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif repo in hub.gated and token != TOKEN:
                code = 403 if token else 401
                self._answer(
                    code, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}
                )
            elif revision and revision not in (COMMIT, "main"):
                self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            else:
                return False
            return True

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if hub.cut_after is not None and status in (200, 206) and len(body) > hub.cut_after:
                body, hub.cut_after = body[: hub.cut_after], None
                self.close_connection = True
            self.wfile.write(body)

    return Handler


def _lfs(data: bytes) -> dict[str, object]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}

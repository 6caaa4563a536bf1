"""A hub on loopback: the paths of the Hugging Face hub that its client asks for, and raw files of GitHub.

A test puts the files into it. Large ones (by their suffix) have a SHA-256, as the hub has for files in LFS;
the others have git's id. Repositories are created and committed to as its client does it without Xet: what a
file will be, then LFS objects, then one commit.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = hashlib.sha1(b"the commit of every repository here").hexdigest()
TOKEN, OTHER_TOKEN = "hf_may_read", "hf_may_not_read"
LFS = (".jsonl", ".gz", ".parquet", ".safetensors")


@dataclass
class LoopbackHub:
    """The files that are served, and the requests that came."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Files by `datasets/owner/name`, `models/owner/name` or `github/owner/name`, then by path."""
    gated: set[str] = field(default_factory=set)
    licences: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Bytes after which the next download breaks off."""
    asked: list[str] = field(default_factory=list)
    address: str = ""
    heads: dict[str, str] = field(default_factory=dict)
    """The newest commit of a repository that received commits."""
    private: set[str] = field(default_factory=set)
    uploaded: dict[str, bytes] = field(default_factory=dict)
    """LFS objects by their SHA-256."""

    def head(self, repo: str) -> str:
        return self.heads.get(repo, COMMIT)

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
            if found := re.fullmatch(r"/api/(datasets|models)/([^/]+/[^/]+)/tree/([^/]+)/?(.*)", path):
                self._tree(f"{found[1]}/{found[2]}", found[3], found[4])
            elif found := re.fullmatch(
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

        def do_POST(self) -> None:
            path = unquote(urlsplit(self.path).path)
            body = self._body()
            hub.asked.append(f"{self.command} {path}")
            if path == "/api/repos/create":
                self._create(json.loads(body))
            elif path == "/api/validate-yaml":
                self._json({"errors": [], "warnings": []})
            elif found := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/(preupload|commit)/main", path):
                repo = f"datasets/{found[1]}"
                if not self._closed() and not self._refused(repo, ""):
                    self._preupload(json.loads(body)) if found[2] == "preupload" else self._commit(repo, body)
            elif found := re.fullmatch(r"/api/(datasets|models)/([^/]+/[^/]+)/paths-info/([^/]+)", path):
                self._paths(f"{found[1]}/{found[2]}", found[3], body)
            elif re.fullmatch(r"/datasets/[^/]+/[^/]+\.git/info/lfs/objects/batch", path):
                self._json(
                    {
                        "transfer": "basic",
                        "objects": [self._object(one) for one in json.loads(body)["objects"]],
                    }
                )
            else:
                self._answer(404, b"no such place")

        def do_PUT(self) -> None:
            data, oid = self._body(), self.path.rpartition("/")[2]
            hub.asked.append(f"{self.command} {self.path}")
            if hashlib.sha256(data).hexdigest() != oid:
                self._answer(400, b"another object")
                return
            hub.uploaded[oid] = data
            self._answer(200, b"")

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def _closed(self) -> bool:
            """Whether the client may not write; if so, this has been answered."""
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if token == TOKEN:
                return False
            self._answer(
                403 if token else 401, b"{}", {"X-Error-Message": "a token with write rights is needed"}
            )
            return True

        def _create(self, wanted: dict[str, object]) -> None:
            if self._closed():
                return
            owner = wanted.get("organization") or "me"
            repo = f"{wanted.get('type', 'model')}s/{owner}/{wanted['name']}"
            known = repo in hub.files
            hub.files.setdefault(repo, {".gitattributes": b"*.parquet filter=lfs\n"})
            if wanted.get("private") or wanted.get("visibility") == "private":
                hub.private.add(repo)
            self._json(
                {"url": f"{hub.address}/{repo}", "name": f"{owner}/{wanted['name']}"}, 409 if known else 200
            )

        def _preupload(self, wanted: dict[str, list[dict[str, object]]]) -> None:
            files = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if str(one["path"]).endswith(LFS) else "regular",
                    "shouldIgnore": False,
                }
                for one in wanted["files"]
            ]
            self._json({"files": files})

        def _object(self, wanted: dict[str, object]) -> dict[str, object]:
            upload = {"href": f"{hub.address}/lfs/{wanted['oid']}"}
            return wanted if wanted["oid"] in hub.uploaded else {**wanted, "actions": {"upload": upload}}

        def _commit(self, repo: str, body: bytes) -> None:
            files = hub.files[repo]
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                match line["key"]:
                    case "file":
                        files[value["path"]] = base64.b64decode(value["content"])
                    case "lfsFile":
                        files[value["path"]] = hub.uploaded[value["oid"]]
                    case "deletedFile":
                        del files[value["path"]]
            hub.heads[repo] = hashlib.sha1(body).hexdigest()
            self._json(
                {
                    "commitUrl": f"{hub.address}/{repo}/commit/{hub.heads[repo]}",
                    "commitOid": hub.heads[repo],
                    "pullRequestUrl": None,
                }
            )

        def _paths(self, repo: str, revision: str, body: bytes) -> None:
            if self._refused(repo, revision):
                return
            text = body.decode()
            wanted = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text).get("paths", [])
            entries = self._entries(repo)
            self._json([entries[path] for path in wanted if path in entries])

        def _tree(self, repo: str, revision: str, folder: str) -> None:
            if self._refused(repo, revision):
                return
            recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() == "true"
            inside = {
                path: entry
                for path, entry in self._entries(repo).items()
                if not folder or path.startswith(f"{folder}/")
            }
            below = [path for path in inside if recursive or "/" not in path.removeprefix(f"{folder}/")]
            if folder and not inside:
                self._answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
                return
            self._json([inside[path] for path in below])

        def _entries(self, repo: str) -> dict[str, dict[str, object]]:
            """Files and folders as in the tree of a revision."""
            found: dict[str, dict[str, object]] = {}
            for name, data in hub.files[repo].items():
                for folder in list(PurePosixPath(name).parents)[:-1]:
                    found[str(folder)] = {"type": "directory", "path": str(folder), "oid": COMMIT, "size": 0}
                lfs = {"oid": _lfs(data)["sha256"], "size": len(data), "pointerSize": 130}
                found[name] = {
                    "type": "file",
                    "path": name,
                    "oid": git_id(data),
                    "size": len(data),
                    **({"lfs": lfs} if name.endswith(LFS) else {}),
                }
            return found

        def _json(self, document: object, status: int = 200) -> None:
            self._answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

        def _api(self, repo: str, what: str | None, revision: str) -> None:
            if self._refused(repo, revision if what == "revision" else ""):
                return
            if what == "auth-check":
                self._answer(200, b"{}")
                return
            document = {
                "id": repo.partition("/")[2],
                "sha": hub.head(repo),
                "private": repo in hub.private,
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
            self._json(document)

        def _file(self, repo: str, revision: str, name: str) -> None:
            if self._refused(repo, revision):
                return
            data = hub.files[repo].get(name)
            commit = {"X-Repo-Commit": hub.head(repo)}
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
            elif revision and revision not in (hub.head(repo), "main"):
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

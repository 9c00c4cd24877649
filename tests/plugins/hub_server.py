"""A small server that speaks the protocol of the Hugging Face hub, on loopback.

It keeps repositories in memory: information, tree, files with redirects, ETags and the
commit, creation, preupload, git-lfs uploads and commits. It has no xet storage, so
clients need HF_HUB_DISABLE_XET=1.
"""

import base64
import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_right"
LFS_SUFFIXES = (".safetensors", ".bin", ".pt", ".zip", ".model")


def sha_of(text):
    return hashlib.sha1(text.encode()).hexdigest()


class Hub:
    """Repositories and what was asked of them.

    Attributes:
        repos: owner/name -> revision -> path -> content.
        gated: Names that ask for terms to be accepted.
        private: Names that need the token.
        cut: Number of downloads of large files that still break off in the middle.
        status: Answer all requests with this status, if not 0.
        asked: Lines `METHOD path` of all requests.
        stored: git-lfs objects that were uploaded, by SHA-256.
    """

    def __init__(self):
        self.repos, self.gated, self.private = {}, set(), set()
        self.cut = self.status = 0
        self.asked, self.stored, self.commits = [], {}, []
        self.url = self.cdn = ""  # files come from another host, as on the hub

    def add(self, name, files, revision="main"):
        self.repos.setdefault(name, {})[revision] = dict(files)

    def find(self, name, revision):
        revisions = self.repos[name]
        for branch in revisions:
            if revision in (branch, self.commit_of(name, branch)):
                return self.commit_of(name, branch), revisions[branch]
        raise KeyError(revision)

    def commit_of(self, name, branch):
        files = self.repos[name][branch]
        content = "".join(f"{p}{hashlib.sha1(c).hexdigest()}" for p, c in files.items())
        return sha_of(name + content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def do_PUT(self):
        self.answer()

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        if self.hub.status:
            return self.send(self.hub.status, {"error": "made to fail"})
        for pattern, method in ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                return method(self, **found.groupdict())
        return self.send(404, {"error": f"no route {path}"})

    def send(self, status, body=b"", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        self.send(status, {"error": code}, X_Error_Code=code, X_Error_Message=code)

    @property
    def has_token(self):
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def find(self, name, revision):
        """Return commit and files, or answer with an error and return None."""
        if name not in self.hub.repos or (
            name in self.hub.private and not self.has_token
        ):
            return self.refuse(404 if self.has_token else 401, "RepoNotFound")
        if name in self.hub.gated:
            return self.refuse(403 if self.has_token else 401, "GatedRepo")
        try:
            return self.hub.find(name, revision)
        except KeyError:
            return self.refuse(404, "RevisionNotFound")

    def show_info(self, name, revision="main"):
        if found := self.find(name, revision):
            commit, files = found
            self.send(
                200,
                {
                    "_id": "0", "id": name, "modelId": name, "sha": commit,
                    "private": name in self.hub.private, "gated": False, "tags": [],
                    "siblings": [{"rfilename": path} for path in files],
                },
            )  # fmt: skip

    def show_tree(self, name, revision):
        if found := self.find(name, revision):
            rows = []
            for path, content in found[1].items():
                row = {"type": "file", "path": path, "size": len(content)}
                row["oid"] = hashlib.sha1(content).hexdigest()
                if path.endswith(LFS_SUFFIXES):
                    oid = hashlib.sha256(content).hexdigest()
                    row["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 134}
                rows.append(row)
            self.send(200, rows)

    def show_file(self, name, revision, path):
        found = self.find(name, revision)
        if not found:
            return None
        commit, files = found
        if path not in files:
            return self.refuse(404, "EntryNotFound")
        content = files[path]
        if not path.endswith(LFS_SUFFIXES):
            oid = hashlib.sha1(content).hexdigest()
            return self.send(200, content, ETag=f'"{oid}"', X_Repo_Commit=commit)
        oid = hashlib.sha256(content).hexdigest()
        return self.send(
            302,
            Location=f"{self.hub.url}/cdn/{oid}?signed=1".replace(
                "127.0.0.1", "localhost"
            ),
            X_Repo_Commit=commit,
            X_Linked_Etag=f'"{oid}"',
            X_Linked_Size=str(len(content)),
        )

    def show_object(self, oid):
        contents = [
            c for r in self.hub.repos.values() for f in r.values() for c in f.values()
        ]
        (content, *_) = [c for c in contents if hashlib.sha256(c).hexdigest() == oid]
        begin = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start, status = (int(begin[1]), 206) if begin else (0, 200)
        rest = content[start:]
        if self.hub.cut and self.command == "GET":
            self.hub.cut -= 1
            self.send(status, rest[: len(rest) // 2], Content_Length=str(len(rest)))
            self.close_connection = True
            return self.connection.shutdown(2)
        return self.send(status, rest, ETag=f'"{oid}"')

    def create(self):
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if not self.has_token:
            return self.send(401, {"error": "Invalid credentials"})
        if name in self.hub.repos:
            known = {"error": "known", "url": f"{self.hub.url}/{name}"}
            return self.send(409, known)
        self.hub.add(name, {})
        if asked.get("visibility") == "private":
            self.hub.private.add(name)
        return self.send(200, {"url": f"{self.hub.url}/{name}", "name": name})

    def create_branch(self, name, branch):
        self.hub.repos[name].setdefault(branch, dict(self.hub.repos[name]["main"]))
        self.send(200, {})

    def validate(self):
        self.send(200, {"errors": [], "warnings": []})

    def plan_upload(self, name, revision):
        if self.find(name, revision):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs"
                    if file["path"].endswith(LFS_SUFFIXES)
                    else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(self.body)["files"]
            ]
            self.send(200, {"files": files})

    def plan_objects(self, name):
        assert name in self.hub.repos
        objects = []
        for each in json.loads(self.body)["objects"]:
            href = {"href": f"{self.hub.url}/lfs/{each['oid']}"}
            actions = {} if each["oid"] in self.hub.stored else {"upload": href}
            objects.append({**each, "actions": actions} if actions else each)
        self.send(
            200,
            {"transfer": "basic", "objects": objects},
            Content_Type="application/vnd.git-lfs+json",
        )

    def store(self, oid):
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.stored[oid] = self.body
        self.send(200)

    def commit(self, name, revision):
        if not self.has_token:
            return self.send(403, {"error": "You need the right to write"})
        lines = [json.loads(line) for line in self.body.splitlines()]
        files = self.hub.repos[name][revision]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.hub.commits.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
        oid = self.hub.commit_of(name, revision)
        url = f"{self.hub.url}/{name}/commit/{oid}"
        return self.send(
            200, {"success": True, "commitOid": oid, "commitUrl": url, "hookOutput": ""}
        )


NAME = r"(?P<name>[^/]+/[^/]+)"
ROUTES = [
    (rf"/api/models/{NAME}", Handler.show_info),
    (rf"/api/models/{NAME}/revision/(?P<revision>.+)", Handler.show_info),
    (rf"/api/models/{NAME}/tree/(?P<revision>[^/]+)", Handler.show_tree),
    (rf"/api/models/{NAME}/preupload/(?P<revision>.+)", Handler.plan_upload),
    (rf"/api/models/{NAME}/commit/(?P<revision>.+)", Handler.commit),
    (rf"/api/models/{NAME}/branch/(?P<branch>.+)", Handler.create_branch),
    (r"/api/repos/create", Handler.create),
    (r"/api/validate-yaml", Handler.validate),
    (rf"/{NAME}\.git/info/lfs/objects/batch", Handler.plan_objects),
    (r"/lfs/(?P<oid>\w+)", Handler.store),
    (r"/cdn/(?P<oid>\w+)", Handler.show_object),
    (rf"/{NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", Handler.show_file),
]


@contextlib.contextmanager
def serve():
    """Serve an empty hub; yield it."""
    hub = Hub()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub})
    )
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    hub.cdn = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A real S3 server on loopback (SeaweedFS), and clones of this repository that share through it.

The clones have run the early stages of the graph alone, whose dvc.lock and outputs are small.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import Clone
from tests.forgetting import forget_all_but

BUCKET = "shared"
KEY, SECRET = "testkey", "testsecret123"
EARLY = ("compose@initial", "decontaminate@instruction", "decontaminate@seed_problems")
"""With what they need, 13 stages and `code`: one has a folder as output, one is of a second recipe."""


def free_port():
    """A free port; the one 10,000 above it, which SeaweedFS uses as well, is free too."""
    for port in range(20_000 + os.getpid() % 5000, 40_000, 7):
        with socket.socket() as one, socket.socket() as other:
            if one.connect_ex(("127.0.0.1", port)) and other.connect_ex(("127.0.0.1", port + 10_000)):
                yield port


@dataclass
class Server:
    """SeaweedFS with one bucket; it keeps its ports and files when it is killed and restarted."""

    folder: Path
    ports: list[int] = field(default_factory=list)
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports[0]}"

    def start(self):
        s3, master, volume, filer = self.ports
        command = [
            *(str(Path(sys.executable).parent / "weed"), "mini", f"-dir={self.folder}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={s3}", f"-s3.config={self.folder}/s3.json"),
            *(f"-bucket={BUCKET}", "-admin.ui=false", "-webdav=false", f"-master.port={master}"),
            *(f"-volume.port={volume}", f"-filer.port={filer}"),
        ]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        for _ in range(300):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", s3)) and self._has_bucket():
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text()[-2000:])

    def _has_bucket(self):
        try:
            return self.files().exists(BUCKET)
        except (OSError, PermissionError):
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def files(self):
        """The server's files by its S3 interface, to look at them and to damage them."""
        import s3fs

        return s3fs.S3FileSystem(
            key=KEY, secret=SECRET, client_kwargs={"endpoint_url": self.url}, skip_instance_cache=True
        )


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s3")
    identity = {
        "name": "dvc",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = free_port()
    server = Server(folder, [next(ports) for _ in range(4)])
    server.start()
    yield server
    server.kill()


@dataclass(frozen=True)
class Machine(Clone):
    """A clone on a machine of its own: it shares cache, row store and DVC's state with no other."""

    secret: str = SECRET

    @property
    def environment(self):
        return super().environment | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": self.secret}

    def fails(self, *command):
        """Run a command that must fail; returns what it printed."""
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode not in (0, None), done.stdout
        return done.returncode, done.stdout, done.stderr

    def objects(self):
        """The objects in the DVC cache, by md5, with their sizes."""
        files = self.path.glob(".dvc/cache/files/md5/??/*")
        return {file.parent.name + file.name: file.stat().st_size for file in files}


def jz3(*arguments):
    return (sys.executable, "-m", "jz3", *arguments)


def commit(machine, message):
    machine.run("git", "add", ".")
    machine.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", message)


@pytest.fixture(scope="session")
def early(whole_run, tmp_path_factory):
    """A clone in which the early stages of the whole run are all that ran; nothing is shared yet."""
    path = tmp_path_factory.mktemp("early") / "clone"
    shutil.copytree(whole_run[0].path, path, symlinks=True)
    forget_all_but(path, EARLY)
    early = Machine(path)
    commit(early, "run")
    return early


@pytest.fixture
def machine(early, tmp_path):
    """A copy of the clone that ran the early stages, with its cache, for tests that break it."""
    shutil.copytree(early.path, tmp_path / "machine", symlinks=True)
    return Machine(tmp_path / "machine")


@pytest.fixture(scope="session")
def pushed(server, early, tmp_path_factory):
    """The clone that ran the early stages and pushed them, with the run cache."""
    path = tmp_path_factory.mktemp("machines") / "first"
    shutil.copytree(early.path, path, symlinks=True)
    first = Machine(path)
    first.run("dvc", "remote", "add", "-d", "shared", f"s3://{BUCKET}/jz3")
    first.run("dvc", "remote", "modify", "shared", "endpointurl", server.url)
    first.run("dvc", "remote", "modify", "shared", "verify", "true")
    commit(first, "remote")
    first.run(*jz3("push"))
    return first


@pytest.fixture
def another(pushed, tmp_path):
    """A fresh clone on another machine: the files of git, and what numba compiled of them."""
    path = tmp_path / "another"
    subprocess.run(["git", "clone", "-q", str(pushed.path), str(path)], check=True)
    for file in (pushed.path / "jz3").rglob("*.*"):
        copy = path / file.relative_to(pushed.path)
        if file.suffix == ".py":
            shutil.copystat(file, copy)  # numba compiles a module anew whose time is another one
        elif file.suffix in (".nbi", ".nbc"):
            copy.parent.mkdir(exist_ok=True)
            shutil.copy2(file, copy)
    yield Machine(path)
    shutil.rmtree(path)

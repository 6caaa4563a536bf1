"""What this machine and this clone have for the graph: a line for each finding, with a remedy for what lacks.

Nothing is changed and no key is shown. Takes about five seconds: torch is imported, and the sandbox tests
itself with attacks.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import socket
import sysconfig
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jz3.core.execution import EXECUTION_FILE, Execution, load_execution
from jz3.core.graph_file import read_graph
from jz3.core.params import PARAMS_FILE, read_sections
from jz3.graph.fetching.hosts import hub_of_environment
from jz3.graph.fetching.needed import chosen, needed
from jz3.graph.fetching.table import read_table
from jz3.graph.finding import Finding
from jz3.graph.lacking import disk_of_graph, driver, gates, packages
from jz3.graph.repository import RepositoryError, opened
from jz3.graph.setting import Setting
from jz3.store.remote_errors import RemoteError, reaching, shown
from jz3.store.row_store import open_store

if TYPE_CHECKING:
    from dvc.repo import Repo

LEAST_FREE_GB = 5
"""The embedded run leaves about 1 GB in cache and workspace (measured); the rest is room for experiments."""

CONNECT_S = 3.0
"""Seconds for a server to accept a connection (chosen)."""


def examine(root: Path) -> list[Finding]:
    """Every finding, in a fixed order."""
    execution = load_execution(root / EXECUTION_FILE)
    setting = Setting(root, read_graph(root), read_sections(root / PARAMS_FILE), execution)
    return [
        _python(),
        _torch(),
        _gpu(execution),
        *driver(execution),
        *gpu_memory(setting),
        *host_memory(setting),
        packages(setting),
        _vllm(setting),
        *_servers(setting),
        *_compiler(execution),
        _sandbox(execution),
        _store(),
        _disk("disk of the cache", root),
        *disk_of_graph(setting),
        _remote(root),
        _key(setting),
        _raw_data(root),
        *gates(root, hub_of_environment()),
    ]


def as_text(findings: list[Finding]) -> str:
    """A line for each finding, with the remedy after an arrow."""
    width = max(len(finding.what) for finding in findings)
    return "\n".join(
        f"{finding.state:<5}  {finding.what:<{width}}  {finding.found}"
        + (f" -> {finding.remedy}" if finding.remedy else "")
        for finding in findings
    )


def as_json(findings: list[Finding]) -> str:
    """The findings as JSON, for scripts."""
    return json.dumps([asdict(finding) for finding in findings], indent=2)


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()}, {os.cpu_count()} cores")


def _torch() -> Finding:
    version = _version("torch")
    if version is None:
        return Finding("torch", "lacks", "not installed", "run `make setup`")
    import torch

    return Finding("torch", "ok", f"{version}, {torch.get_num_threads()} threads")


def _gpu(execution: Execution) -> Finding:
    import torch

    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if names:
        return Finding("GPU", "ok", ", ".join(names))
    if execution.device == "cuda" and torch.version.cuda is None:
        found = "none for this torch, which was built for CPUs; execution.yaml:device is cuda"
        return Finding("GPU", "lacks", found, "delete .venv and run `make gpu`, or set device to cpu")
    if execution.device == "cuda":
        return Finding(
            "GPU",
            "lacks",
            "none, but execution.yaml:device is cuda",
            "run on a GPU machine, or set it to cpu",
        )
    return Finding("GPU", "note", "none; execution.yaml:device is cpu")


def gpu_memory(setting: Setting) -> list[Finding]:
    """Compare the stage that takes most GPU memory with the smallest card here; no finding for a CPU profile.

    Counting a shape for the first time takes up to ten seconds.
    """
    if setting.execution.device != "cuda":
        return []
    from jz3.graph.on_cards import REMEDY, on_card

    needs = {stage.name: takes for stage in setting.graph.stages if (takes := on_card(setting, stage))}
    unknown = [name for name, takes in needs.items() if takes.need is None]
    counted = {name: takes.need.gib for name, takes in needs.items() if takes.need is not None}
    if unknown:
        found = f"{len(unknown)} stages of unknown size: {', '.join(unknown)}"
        return [Finding("GPU memory", "note", found, "`jz3 fetch --only model`")]
    here, what = _smallest_card(setting.execution)
    most = max(counted, key=lambda name: counted[name])
    beyond = [name for name, gib in counted.items() if here is not None and gib > here]
    found = f"{most} takes the most, {counted[most]:.1f} GiB; {what}"
    if beyond:
        return [Finding("GPU memory", "lacks", f"{found}; too little for {', '.join(beyond)}", REMEDY)]
    return [Finding("GPU memory", "ok", found)]


def host_memory(setting: Setting) -> list[Finding]:
    """Compare the weights that a training's processes read into this machine's memory with its size; no
    finding for a CPU profile.
    """
    if setting.execution.device != "cuda":
        return []
    from jz3.graph.on_cards import on_card

    takes = {stage.name: on_card(setting, stage) for stage in setting.graph.stages}
    read = {name: found.host_gib for name, found in takes.items() if found and found.host_gib}
    if not read:
        return []
    most, here = max(read, key=lambda name: read[name]), total_memory_gib()
    found = (
        f"{most} reads {read[most]:.1f} GiB of weights into it before they go to cards; here are {here:.1f}"
    )
    if read[most] > here:
        remedy = (
            "set execution.yaml:sharding to fsdp, of which each rank reads its share, or take fewer ranks"
        )
        return [Finding("memory", "lacks", found, remedy)]
    return [Finding("memory", "ok", found)]


def total_memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _smallest_card(execution: Execution) -> tuple[float | None, str]:
    """The GiB of the smallest card, and a description."""
    import torch

    sizes = [
        torch.cuda.get_device_properties(number).total_memory / 2**30
        for number in range(torch.cuda.device_count())
    ]
    if sizes:
        return min(sizes), f"the smallest card here has {min(sizes):.1f}"
    card = execution.planning.card_gib
    return card, "no card is here" + (f"; the profile is for one of {card:g}" if card else "")


def _vllm(setting: Setting) -> Finding:
    """Look for vllm in its own environment, without importing anything from there."""
    python = setting.execution.vllm_python
    if (setting.root / python).exists():
        return Finding("vllm", "ok", str(python))
    asking = [place for place, section in setting.sections_read() if section.get("engine") == "vllm"]
    if asking:
        found = f"no {python}, which the engine of {', '.join(asking)} needs"
        return Finding("vllm", "lacks", found, "run `make gpu`, or choose the engine `transformers`")
    return Finding("vllm", "note", f"no {python}; no stage of the profile needs it")


def _servers(setting: Setting) -> list[Finding]:
    """Look whether something listens at each address, if an engine asks servers that run elsewhere."""
    asking = [place for place, section in setting.sections_read() if section.get("engine") == "openai"]
    if not asking:
        return []
    by = f"which the engine of {', '.join(asking)} asks"
    addresses = setting.execution.servers
    if not addresses:
        found = f"execution.yaml:servers is empty, {by}"
        return [Finding("servers", "lacks", found, "list their addresses, or choose another engine")]
    silent = [address for address in addresses if not _listens(address)]
    if silent:
        found = f"nothing listens at {', '.join(silent)} (execution.yaml:servers), {by}"
        return [Finding("servers", "lacks", found, "start them, or look at the addresses")]
    return [Finding("servers", "ok", f"{len(addresses)} listen, {by}")]


def _listens(address: str) -> bool:
    try:
        parts = urlsplit(address)
        place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        socket.create_connection(place, timeout=CONNECT_S).close()
    except (OSError, ValueError):
        return False
    return True


def _compiler(execution: Execution) -> list[Finding]:
    """Look for what Triton compiles its launchers with, as vLLM starts; no finding for a CPU profile."""
    if execution.device != "cuda":
        return []
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    compilers = [name for name in (os.environ.get("CC"), "gcc", "clang") if name and shutil.which(name)]
    lacking = [
        *([] if compilers else ["C compiler"]),
        *([] if header.is_file() else [str(header)]),
    ]
    if lacking:
        found = f"no {' and no '.join(lacking)}; the kernels of vLLM are compiled when it starts"
        remedy = "install gcc and Python's headers (`apt install gcc python3-dev` on Debian and Ubuntu)"
        return [Finding("compiler", "lacks", found, remedy)]
    return [Finding("compiler", "ok", f"{compilers[0]}, with {header}")]


def _sandbox(execution: Execution) -> Finding:
    from jz3.sandbox.pool import SandboxUnavailable, strongest_mode

    asked = f"execution.yaml:sandbox asks for {execution.sandbox}"
    try:
        mode = strongest_mode(1)
    except SandboxUnavailable:
        return Finding("sandbox", "lacks", f"none holds; {asked}", "see docs/sandbox.md")
    found = f"level {mode.level} ({mode.name}); {asked}"
    if mode.level < execution.sandbox:
        return Finding("sandbox", "lacks", found, "see docs/sandbox.md, or accept a lower level there")
    return Finding("sandbox", "ok", found)


def _store() -> Finding:
    place = open_store().root
    remedy = "set JZ3_STORE to a folder of yours"
    nearest = next(folder for folder in (place, *place.parents) if os.path.lexists(folder))
    if not nearest.is_dir():
        return Finding("row store", "lacks", f"{nearest} is not a folder", remedy)
    if not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
        return Finding("row store", "lacks", f"{place} may not be read and written", remedy)
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    return Finding("row store", "ok", f"{place}, {size / 1e6:.1f} MB")


def _disk(what: str, place: Path) -> Finding:
    free = shutil.disk_usage(place).free / 1e9
    found = f"{free:.0f} GB free"
    if free < LEAST_FREE_GB:
        return Finding(
            what, "lacks", found, f"free {LEAST_FREE_GB} GB; `dvc gc -w` keeps only what is in use"
        )
    return Finding(what, "ok", found)


def _remote(root: Path) -> Finding:
    try:
        with opened(root) as repo:
            return _default_remote(repo)
    except RepositoryError as error:
        return Finding("remote", "lacks", str(error))


def _default_remote(repo: "Repo") -> Finding:
    name: str | None = repo.config["core"].get("remote")
    if name is None:
        return Finding("remote", "note", "none; nothing can be shared", "see docs/sharing.md")
    settings: dict[str, Any] = repo.config["remote"][name]
    url: str = settings["url"]
    try:
        with reaching(url):
            remote = repo.cloud.get_remote(name)
            remote.fs.exists(remote.path)
    except RemoteError as error:
        return Finding("remote", "lacks", str(error))
    if not settings.get("verify"):
        return Finding(
            "remote",
            "lacks",
            f"{name} ({shown(url)}) without verify: a flipped byte would be pulled",
            f"`dvc remote modify {name} verify true`",
        )
    return Finding("remote", "ok", f"{name} ({shown(url)}), verified on pull")


def _key(setting: Setting) -> Finding:
    """Look for the key of each teacher that a stage asks."""
    teachers = [
        section for _, section in setting.sections_read() if {"provider", "account"} <= section.keys()
    ]
    keys = {f"{one['account']}_API_KEY": one["provider"] for one in teachers if one["provider"] != "writer"}
    if not keys:
        return Finding("key", "ok", "the teacher is the problem writer, which needs none")
    lacking = {name: provider for name, provider in keys.items() if not os.environ.get(name)}
    if lacking:
        found = ", ".join(f"no {name} for the provider {provider}" for name, provider in lacking.items())
        return Finding("key", "lacks", found, "; ".join(f"export {name}" for name in lacking))
    said = ", ".join(f"{name} is set, for the provider {provider}" for name, provider in keys.items())
    return Finding("key", "ok", said)


def _raw_data(root: Path) -> Finding:
    names = needed(root, None)
    if not names:
        return Finding("raw data", "ok", "the profile takes nothing from elsewhere")
    lacking = [
        name
        for name, entry in chosen(read_table(root), names, None).items()
        if not entry.manifest(root, name).is_file()
    ]
    if lacking:
        found = f"{len(lacking)} of {len(names)} sources are not fetched: {', '.join(lacking)}"
        return Finding("raw data", "lacks", found, "`jz3 fetch`; docs/data.md says how")
    return Finding("raw data", "ok", f"{len(names)} sources are fetched")


def _version(package: str) -> str | None:
    if importlib.util.find_spec(package) is None:
        return None
    return importlib.metadata.version(package)

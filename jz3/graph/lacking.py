"""What the profile in use needs beside cards: driver, packages, access to gated sources, disk."""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from jz3.core.execution import Execution
from jz3.graph.disk import disk_of
from jz3.graph.driver import LEAST, wrong_driver
from jz3.graph.fetching.fetch import missing
from jz3.graph.fetching.hosts import FetchError, Hub, must_be_open
from jz3.graph.fetching.needed import chosen, needed
from jz3.graph.fetching.table import SourceEntry, read_table
from jz3.graph.finding import Finding
from jz3.graph.needs import KINDS
from jz3.graph.setting import Setting
from jz3.store.row_store import open_store
from jz3.workers.batch import program_workers, workers_of


def driver(execution: Execution) -> list[Finding]:
    """Ask the driver for its version, as `make gpu` does; no finding for a CPU profile."""
    if execution.device != "cuda":
        return []
    found, _, remedy = (wrong_driver() or "").rpartition("; ")
    if found:
        return [Finding("driver", "lacks", found, remedy.rstrip("."))]
    return [Finding("driver", "ok", f"of branch {LEAST} or newer")]


def packages(setting: Setting) -> Finding:
    """Look for the packages of extras that the profile's execution asks for."""
    asked = list(_asked(setting))
    lacking = [(package, extra, why) for package, extra, why in asked if find_spec(package) is None]
    if lacking:
        found = "; ".join(f"no {package}, {why}" for package, _, why in lacking)
        extras = ",".join(dict.fromkeys(extra for _, extra, _ in lacking))
        return Finding("packages", "lacks", found, f"`pip install 'jz3[{extras}]'`")
    if asked:
        return Finding("packages", "ok", ", ".join(f"{package}, {why}" for package, _, why in asked))
    return Finding("packages", "ok", "the profile needs none of an extra")


def _asked(setting: Setting) -> Iterator[tuple[str, str, str]]:
    """Each package with its extra and the reason."""
    execution, bases = setting.execution, {stage.base for stage in setting.graph.stages}
    kinds = {KINDS.get(base, "rows") for base in bases}
    if _has_actors(setting, kinds):
        at = "ray_address is set" if execution.ray_address else f"workers is {execution.workers}"
        yield "ray", "cluster", f"since execution.yaml:{at}"
    if "training" not in kinds:
        return
    if execution.ranks > 1 and execution.sharding.startswith("zero"):
        yield "deepspeed", "deepspeed", f"since execution.yaml:sharding is {execution.sharding}"
    if execution.fused_kernels:
        yield "liger_kernel", "kernels", "since execution.yaml:fused_kernels is true"
    for tracker in execution.trackers:
        if tracker != "dvclive":
            yield tracker, tracker, "since execution.yaml:trackers has it"


def _has_actors(setting: Setting, kinds: set[str]) -> bool:
    """Whether a stage of the graph shares its rows among actors of Ray: not among servers of its own."""
    execution = setting.execution
    engines = {section["engine"] for _, section in setting.sections_read() if "engine" in section}
    on_gpus, programs = "gradients" in kinds or "transformers" in engines, "programs" in kinds
    if execution.ray_address is not None:
        return on_gpus or programs or bool(engines)
    return (on_gpus and workers_of(execution).count > 1) or (
        programs and program_workers(execution).count > 1
    )


def gates(root: Path, hub: Hub) -> list[Finding]:
    """Ask the hub whether it lets this user read the gated sources that are not fetched yet."""
    entries = chosen(read_table(root), needed(root, None), None)
    gated = {
        name: entry
        for name, entry in entries.items()
        if entry.gated and entry.host == "hub" and not entry.manifest(root, name).is_file()
    }
    if not gated:
        return []
    if hub.offline:
        found = f"{', '.join(gated)} are gated; offline nobody can say whether they are open to you"
        return [Finding("access", "note", found, "unset HF_HUB_OFFLINE")]
    closed = [said for name, entry in gated.items() if (said := _closed(hub, name, entry)) is not None]
    if closed:
        return [Finding("access", "lacks", said) for said in closed]
    return [Finding("access", "ok", f"{', '.join(gated)} are gated, and open to you")]


def _closed(hub: Hub, name: str, entry: SourceEntry) -> str | None:
    try:
        must_be_open(hub, name, entry)
    except FetchError as error:
        return str(error)
    return None


def disk_of_graph(setting: Setting) -> list[Finding]:
    """Compare what the whole graph takes on each disk, as `jz3 plan` estimates it, with what is free there
    and what of it is there already; no finding for a CPU profile.
    """
    if setting.execution.device != "cuda":
        return []
    from huggingface_hub import constants

    parts, store = disk_of(setting).parts, open_store().root
    outputs = [setting.root / "data", setting.root / ".dvc" / "cache"]
    wanted = [
        ("data and cache", setting.root, parts["tables"] + parts["models"] - sum(map(_size, outputs))),
        ("row store", store, parts["row store"] + parts["checkpoints while training"] - _size(store)),
        ("fetched files", Path(constants.HF_HUB_CACHE), parts["fetched"] - _fetched(setting.root)),
    ]
    of_disks: defaultdict[int, list[tuple[str, Path, int]]] = defaultdict(list)
    for what, place, size in wanted:
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        of_disks[there.stat().st_dev].append((what, there, max(0, size)))
    return [_of_disk(some) for some in of_disks.values()]


def _of_disk(wanted: list[tuple[str, Path, int]]) -> Finding:
    free, needs = shutil.disk_usage(wanted[0][1]).free, sum(size for _, _, size in wanted)
    names = ", ".join(what for what, _, _ in wanted)
    found = f"{names} will take some {needs / 1e9:,.0f} GB more; {free / 1e9:,.0f} are free"
    if needs > free:
        remedy = "take a larger disk, or put $JZ3_STORE and $HF_HOME on others; `jz3 plan` shows the parts"
        return Finding("disk of the graph", "lacks", found, remedy)
    return Finding("disk of the graph", "ok", found)


def _size(folder: Path) -> int:
    """Bytes of the files under a folder, each file once, whatever names it has."""
    sizes: dict[tuple[int, int], int] = {}
    for above, _, names in os.walk(folder):
        for name in names:
            stat = os.lstat(os.path.join(above, name))  # noqa: PTH118 (of millions of files)
            sizes[stat.st_dev, stat.st_ino] = stat.st_size
    return sum(sizes.values())


def _fetched(root: Path) -> int:
    """Bytes of the profile's sources that are on this machine."""
    entries = chosen(read_table(root), needed(root, None), None)
    there = 0
    for entry in entries.values():
        if entry.resolved:
            absent = set(missing(entry))
            there += sum(held.bytes or 0 for path, held in (entry.held or {}).items() if path not in absent)
    return there

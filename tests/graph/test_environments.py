"""Every environment and extra that the documents name can be resolved for Linux x86-64, by metadata alone."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from types import SimpleNamespace

import pytest

from jz3.graph.driver import LEAST, wrong_driver
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = sorted(PROJECT["optional-dependencies"])
TARGET = ("--python-platform", "x86_64-manylinux_2_28")
"""Packages for CUDA GPUs, whatever machine runs the test."""
PINNED = {"main": "3.11.0", "gpu": "3.11.5", "vllm-gpu": "3.11.5", "vllm": "3.11.0"}
"""The oldest Python that the Makefile accepts for each set."""
TOLD_OF_NETWORK = re.compile(
    r"failed to fetch|error sending request|dns error|timed out|network", re.IGNORECASE
)


def find(program):
    """Beside this Python first: what the environment has, whatever else is on the machine."""
    beside = shutil.which(program, path=os.path.dirname(sys.executable))  # noqa: PTH120 (a search path)
    return beside or shutil.which(program)


@cache
def wheels_that_pip_knows():
    """Folders of wheels in addition to the index: one has the CPU build of torch."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found = re.findall(r"find-links='([^']*)'", told)
    return tuple(dict.fromkeys(place for value in found for place in value.split()))


def resolve(*what, python="3.11.0", wheels=()):
    """Resolve; skips without network. If there is no solution, uv's own message shows it."""
    uv = find("uv")
    if uv is None:
        pytest.skip("uv is not installed; it comes with the extra `test`")
    links = [word for place in wheels for word in ("--find-links", place)]
    ended = subprocess.run(
        [uv, "pip", "compile", "-q", "--no-header", "--python-version", python, *TARGET, *links, *what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    if ended.returncode and TOLD_OF_NETWORK.search(ended.stderr) and "No solution" not in ended.stderr:
        pytest.skip(f"no package index can be reached: {ended.stderr.strip().splitlines()[-1][:200]}")
    assert ended.returncode == 0, ended.stderr
    return pins(ended.stdout)


def pins(text):
    """Versions by name, spelled as in the index."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@pytest.mark.long
def test_all_extras_together_have_a_solution_with_the_pinned_set_and_so_has_each():
    found = resolve("pyproject.toml", "--all-extras", "-c", "constraints/main.txt")
    assert {"ray", "deepspeed", "dvc-s3"} <= found.keys()


@pytest.mark.long
@pytest.mark.parametrize(("name", "python"), [*PINNED.items(), ("vllm-gpu", "3.12"), ("gpu", "3.12")])
def test_a_pinned_set_has_itself_as_solution(name, python):
    wheels = wheels_that_pip_knows() if name == "vllm" else ()
    if name == "vllm" and not wheels:
        pytest.skip("pip knows of no folder with the CPU build of torch, which vLLM for CPUs asks for")
    stated = pins((ROOT / f"constraints/{name}.txt").read_text())
    found = resolve(f"constraints/{name}.txt", python=python, wheels=wheels)
    assert {package: found.get(package, "").partition("+")[0] for package in stated} == stated


@pytest.mark.long
def test_the_gpu_set_is_one_that_the_project_can_be_installed_with():
    extras = [word for extra in extras_of_make_gpu() for word in ("--extra", extra)]
    found = resolve("pyproject.toml", *extras, "-c", "constraints/gpu.txt", python=PINNED["gpu"])
    assert found.items() <= pins((ROOT / "constraints/gpu.txt").read_text()).items()


def extras_of_make_gpu():
    (extras,) = re.findall(r"constraints/gpu\.txt -e \"\.\[([a-z0-9,]+)\]\"", (ROOT / "Makefile").read_text())
    return extras.split(",")


@pytest.mark.parametrize(
    ("version", "refused"), [((3, 11, 4), True), ((3, 11, 5), False), ((3, 12, 9), False), ((3, 13, 0), True)]
)
def test_make_gpu_takes_the_pythons_that_its_pinned_sets_have_a_solution_for(version, refused):
    (condition,) = re.findall(r"sys\.exit\((not .*) and \"Python 3\.11\.5", (ROOT / "Makefile").read_text())
    assert eval(condition, {"sys": SimpleNamespace(version_info=version)}) == refused


def test_uv_installs_what_make_does():
    """`uv pip sync` as against pip: the same extras, from the same pinned set."""
    make = (ROOT / "Makefile").read_text()
    (of_setup,) = re.findall(r"-e \"\.\[(graph,test[a-z0-9,]+)\]\"", make)
    (of_uv,) = re.findall(r"^setup-uv:.*?uv pip compile (.*?)\n\tuv", make, re.DOTALL | re.MULTILINE)
    assert sorted(re.findall(r"--extra (\w+)", of_uv)) == sorted(of_setup.split(","))
    assert "-c constraints/main.txt" in of_uv


@pytest.mark.parametrize(("name", "pinned"), [("cpu", "main"), ("cuda", "gpu")])
def test_an_image_is_built_of_what_is_there_and_pinned(name, pinned):
    """`.ci/run` builds it where Docker runs; what it copies and installs can be checked anywhere."""
    lines = (ROOT / f"docker/{name}.Dockerfile").read_text().replace("\\\n", " ").splitlines()
    (runs,) = re.findall(r"docker run .*", "\n".join(lines))
    assert '-v "$HOME/.cache:/root/.cache"' in runs, "the row store outlives the container"
    assert ("--ipc=host" in runs) == (name == "cuda"), "NCCL shares memory"
    words = [line.split() for line in lines if line and not line.startswith("#")]
    copied = [source for verb, *rest in words if verb == "COPY" for source in rest[:-1]]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert source.partition("/")[0] in let_in
    installed = " ".join(word for verb, *rest in words if verb == "RUN" for word in rest)
    uv = pins((ROOT / "constraints/main.txt").read_text())["uv"]
    assert f"uv=={uv} " in installed
    assert f"-c constraints/{pinned}.txt -o pinned.txt" in installed
    extras = set(re.findall(r"--extra (\w+)", installed))
    assert {"graph"} <= extras <= set(EXTRAS)
    if name == "cuda":
        assert extras == set(extras_of_make_gpu())
    for install in re.findall(r"constraints/[\w.-]+\.txt", installed):
        assert install in copied
    assert words[0][0] == "FROM"
    assert re.fullmatch(r"python:3\.11-slim-\w+", words[0][1])


@pytest.mark.parametrize("name", ["cpu", "cuda"])
def test_an_image_passes_the_linter_of_its_language(name, tmp_path):
    hadolint = find("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed; it comes with the extra `dev`")
    written = ROOT / f"docker/{name}.Dockerfile"
    worse = tmp_path / "Dockerfile"
    worse.write_text(written.read_text().replace("WORKDIR /work", "RUN cd /work"))
    linted = [
        subprocess.run([hadolint, "--no-color", file], capture_output=True, text=True, check=False)
        for file in (written, worse)
    ]
    assert (linted[0].returncode, linted[0].stdout) == (0, "")
    assert "DL3003" in linted[1].stdout, "it would say so"


def test_no_file_holds_the_address_of_an_index():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [
        ROOT / name
        for name in listed.stdout.splitlines()
        if re.search(r"txt$|toml$|file$|^Makefile|run$", name)
    ]
    holding = [
        file.name
        for file in files
        if file.is_file()
        and re.search(r"https?://\S+/(simple|whl)\b|index-url[ =]", file.read_text(errors="replace"))
    ]
    assert len(files) > 5
    assert holding == []


def test_documents_name_only_extras_that_there_are():
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("jz3/**/*.py"), ROOT / "Makefile"]
    named = {
        extra
        for file in files
        if file.name != "CHANGELOG.md"  # it describes the past
        for listed in re.findall(r"(?:jz3|\.)\[([a-z0-9,]+)\]['\"]", file.read_text())
        for extra in listed.split(",")
    }
    assert {"cluster", "documents"} <= named <= set(EXTRAS)


def test_the_gpu_set_is_the_tested_set_wherever_both_name_a_package():
    main, gpu = (pins((ROOT / f"constraints/{name}.txt").read_text()) for name in ("main", "gpu"))
    shared = main.keys() & gpu.keys()
    assert len(shared) > 100
    assert {package: gpu[package] for package in shared} == {package: main[package] for package in shared}
    assert {package for package in gpu if package.startswith("nvidia-")}


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        (f"{LEAST}.65.06\n{LEAST}.65.06", 0, None),
        ("700.10", 0, None),
        ("550.144.03", 0, r"driver is 550\.144\.03; .*580 or newer"),
        ("", 0, "finds no GPU"),
        (
            "NVIDIA-SMI has failed because it could not talk to the driver.",
            9,
            "status 9: NVIDIA-SMI has failed",
        ),
    ],
)
def test_an_old_or_missing_driver_is_said_in_a_line(said, status, expected, tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{said}'\nexit {status}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    wrong = wrong_driver()
    if expected is None:
        assert wrong is None
    else:
        assert wrong is not None
        assert re.search(expected, wrong)
        assert len(wrong.splitlines()) == 1


def test_without_nvidia_smi_make_gpu_stops_before_it_installs_anything(tmp_path):
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml", "constraints", "jz3"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "bin").mkdir()
    for name in ("sh", "env"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    ended = subprocess.run(
        [make, "gpu", f"PYTHON={sys.executable}"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "jz3: there is no nvidia-smi; an NVIDIA driver of branch 580 or newer was expected" in ended.stderr
    assert not (tmp_path / ".venv").exists()

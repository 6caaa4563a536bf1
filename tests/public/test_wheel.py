"""The wheel outside a clone, and what the core can do by itself: heavy packages are refused while it
works.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jz3.cli.compiling import COMPILING

ROOT = Path(__file__).parents[2]
HEAVY = [
    "torch",
    "transformers",
    "datasets",
    "dvc",
    "dvclive",
    "numba",
    "scipy",
    "pyarrow",
    "dataframely",
    "openai",
    "peft",
    "accelerate",
    "networkx",
    "ruamel",
    "huggingface_hub",
]
LACKING = [
    ("grade", "answers.parquet"),
    ("curate", "answers.jsonl", "-o", "out"),
    ("look", "answers.parquet"),
    ("export", "verl", "answers.jsonl", "-o", "out"),
    ("plan",),
    ("trace", "0123456789"),
    ("judge", "answers.jsonl", "--by", "writer", "-o", "out"),
]
"""Commands that need an extra."""
REFUSING = f"""
import sys, time
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"{{name}} is refused", name=name.partition(".")[0])
sys.meta_path.insert(0, Refused())
begin = time.process_time()
import jz3
imported = time.process_time() - begin
verdicts = [jz3.grade(*pair).equal for pair in (("1/2", "It is 0.5."), ("18", "#### 19"))]
graded = time.process_time() - begin
from jz3.reward import accuracy_reward
rewards = accuracy_reward(completions=["It is 4."], answer=["4"])
try:
    jz3.dedup(["a"])
except ValueError as error:
    said = str(error)
import json, contextlib, io
from jz3.cli.main import app
def run(*arguments):
    shown, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(errors):
        try:
            app(arguments)
        except SystemExit as ended:
            return ended.code, shown.getvalue(), errors.getvalue()
accuracies = [
    json.loads(run("grade", file, "--json")[1])["scores"][0]["accuracy"]
    for file in ("answers.jsonl", "answers.jsonl.gz", "answers.csv")
]
looked = run("look", "answers.jsonl", "-o", "look.html")[0]
lacking = [run(*one) for one in {LACKING!r}]
print(json.dumps([imported, graded, verdicts, rewards, said, accuracies, looked, lacking, jz3.__file__]))
"""


def without_heavy(folder, *paths):
    row = b'{"gold": "18", "predicted": "18"}\n'
    (folder / "answers.jsonl").write_bytes(row)
    (folder / "answers.jsonl.gz").write_bytes(gzip.compress(row))
    (folder / "answers.csv").write_text("gold;predicted\n18;18\n")
    (folder / "answers.parquet").write_bytes(b"PAR1")
    begin = f"import sys; sys.path[:0] = {list(map(str, paths))!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + REFUSING], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def check(imported, graded, verdicts, rewards, said, accuracies, looked, lacking):
    assert imported < 0.3
    assert graded < 2
    assert (verdicts, rewards, accuracies, looked) == ([True, False], [1.0], [100] * 3, 0)
    for (command, *_), (status, shown, error) in zip(LACKING, lacking, strict=True):
        extra = "graph" if command in ("plan", "trace", "judge") else "curate"
        assert (status, shown) == (1, "")
        assert error.startswith("jz3: ")
        assert f" is not installed; `jz3 {command}` needs it. Run `pip install 'jz3[{extra}]'`.\n" in error
        assert len(error.splitlines()) == 1
    assert "pip install 'jz3[curate]'" in said


def test_the_core_works_without_the_heavy_packages(tmp_path):
    check(*without_heavy(tmp_path, ROOT)[:-1])


def test_the_core_asks_for_none_of_them():
    text = (ROOT / "pyproject.toml").read_text()
    core = text[text.index("\ndependencies = [") : text.index("[project.optional-dependencies]")]
    assert not [name for name in HEAVY if f'"{name}' in core]


PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("jz3", "stages"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    built = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*PIP, *built], check=True)
    (file,) = folder.glob("jz3-*.whl")
    return file


def install(wheel, place):
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(place), str(wheel)], check=True)


@pytest.mark.long
def test_a_wheel_works_outside_a_clone(wheel, tmp_path):
    place = tmp_path / "place"
    install(wheel, place)
    assert (place / "jz3/public/curation.yaml").is_file()
    assert (place / "jz3/project/template/prompts/full/cot/high.md").is_file()
    (tmp_path / "elsewhere").mkdir()
    *found, origin = without_heavy(tmp_path / "elsewhere", place)
    check(*found)
    assert Path(origin).is_relative_to(place)


def needed(extra, of="jz3"):
    """The distributions that `pip install 'jz3[EXTRA]'` would install, as this environment's metadata
    requires them.
    """
    found, left = {}, [Requirement(f"{of}[{extra}]")]
    while left:
        one = left.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in found:
            continue
        found[key] = distribution(one.name)
        for text in found[key].requires or ():
            asked = Requirement(text)
            if not asked.marker or any(asked.marker.evaluate({"extra": name}) for name in ("", *one.extras)):
                left.append(asked)
    return {name: found for (name, _), found in found.items()}


def bare(folder, wheel):
    """An environment with the wheel and the packages of its extra `curate`, linked from this one."""
    venv.create(folder, symlinks=True)
    (place,) = folder.glob("lib/python3*/site-packages")
    for found in needed("curate").values():
        if canonicalize_name(found.name) == "jz3":
            continue
        for name in {file.parts[0] for file in found.files if file.parts[0] not in ("..", "__pycache__")}:
            if not (place / name).exists():
                (place / name).symlink_to(found.locate_file(name))
    install(wheel, place)
    return folder / "bin/python"


@pytest.mark.long
def test_a_file_is_curated_in_an_environment_of_its_extra_alone(wheel, tmp_path):
    """The first run, for which a user waits, says once that it compiles, and keeps the result."""
    python = bare(tmp_path / "venv", wheel)
    there = (
        "import importlib.util as u; print([n for n in ('torch', 'scipy', 'dvc', 'jz3') if u.find_spec(n)])"
    )
    said = subprocess.run([python, "-c", there], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout == "['jz3']\n"
    block = "```python\nprint(2 + 3)\n```\n```output\n5\n```"
    program = f"We add the numbers by a program.\n\n{block}\nIt prints the sum: the answer is \\boxed{{5}}."
    rows = [
        {"problem": "What is the sum of 2 and 3, in words or digits?", "solution": program},
        {"problem": "what is the sum of 2 and 3, in words or digits", "solution": program},
        {
            "problem": "How much do six loaves cost at two dollars each?",
            "solution": program.replace("+", "*"),
        },
    ]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "items.jsonl").write_text(
        json.dumps({"question": "Of 40 seats 13 are taken; how many are free?"})
    )
    command = ["-m", "jz3", "curate", "mine.jsonl", "--against", "items.jsonl", "-o", "out"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    first, second = (
        subprocess.run(
            [python, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        for _ in range(2)
    )
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == second.stdout
    assert first.stdout.splitlines()[0] == "read 3, kept 1, rejected 2"
    assert "execute.wrong_answer" in first.stdout
    assert "dedup.exact" in first.stdout
    assert first.stderr.splitlines().count(COMPILING) == 1
    assert COMPILING not in second.stderr

"""The wheel outside a clone, and what the core does without: heavy packages are refused while it works."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    ("look", "answers.jsonl"),
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
lacking = [run(*one) for one in {LACKING!r}]
print(json.dumps([imported, graded, verdicts, rewards, said, accuracies, lacking, jz3.__file__]))
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


def check(imported, graded, verdicts, rewards, said, accuracies, lacking):
    assert imported < 0.3
    assert graded < 2
    assert (verdicts, rewards, accuracies) == ([True, False], [1.0], [100] * 3)
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


@pytest.mark.long
def test_a_wheel_works_outside_a_clone(tmp_path):
    source = tmp_path / "source"
    for name in ("jz3", "stages"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run([*pip, *wheel], check=True)
    (file,) = tmp_path.glob("jz3-*.whl")
    place = tmp_path / "place"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(place), str(file)], check=True)
    assert (place / "jz3/public/curation.yaml").is_file()
    assert (place / "jz3/project/template/prompts/full/cot/high.md").is_file()
    (tmp_path / "elsewhere").mkdir()
    *found, origin = without_heavy(tmp_path / "elsewhere", place)
    check(*found)
    assert Path(origin).is_relative_to(place)

"""The wheel outside a clone, and what the core does without: heavy packages are refused while it works."""

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
]
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
shown = io.StringIO()
with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
    app(["grade", "answers.jsonl", "--json"])
scores = json.loads(shown.getvalue())["scores"]
print(json.dumps([imported, graded, verdicts, rewards, said, scores[0]["accuracy"], jz3.__file__]))
"""


def without_heavy(folder, *paths):
    (folder / "answers.jsonl").write_text('{"gold": "18", "predicted": "18"}\n')
    begin = f"import sys; sys.path[:0] = {list(map(str, paths))!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + REFUSING], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def check(imported, graded, verdicts, rewards, said, accuracy):
    assert imported < 0.3
    assert graded < 2
    assert (verdicts, rewards, accuracy) == ([True, False], [1.0], 100)
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

"""The report: one file that shows everything and runs nothing, whatever models wrote into the tables."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jz3.report.markup import VOID
from jz3.report.report import SAMPLES
from tests.report.builders import HOSTILE, metrics, problem, write_run

ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """Checks that every element is closed in its turn, and gathers what a browser would see."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.addresses, self.handlers, self.texts = [], [], [], [], []
        self.ids = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


def run_stage(root, problems, provider="writer"):
    flags = write_run(root, problems, provider)
    if not (root / "dvc.yaml").exists():
        for name in ("dvc.yaml", "graph.yaml"):
            shutil.copy(ROOT / name, root / name)
    subprocess.run(
        [sys.executable, "-m", "stages.report", *flags],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    html = (root / "report/index.html").read_text(encoding="utf-8")
    return html, Page(html)


BAGS = (
    "There are 3 bags with 2 apples in each bag, and Ann finds 6 more apples. "
    "How many apples are there altogether?"
)
PROBLEMS = [
    problem(0, text=f"{HOSTILE} What is $\\text{{{HOSTILE}}}$?"),
    problem(1, kind="tool", text="Any?", solution=f"```python\nprint(12) # {HOSTILE}\n```", answer=HOSTILE),
    *(problem(number, level="aime", text=f"Problem number {number}") for number in range(2, 16)),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run_stage(tmp_path_factory.mktemp("run"), PROBLEMS)


def test_the_page_is_balanced_and_its_links_lead_to_places_on_it(made):
    _, page = made
    assert page.open == []
    assert page.addresses
    assert {address.removeprefix("#") for address in page.addresses} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_nothing_on_the_page_runs_or_is_fetched(made):
    html, page = made
    assert "alert" in page.text, "the hostile text must be there to prove anything"
    assert "script" not in page.tags
    assert not page.handlers
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", html)


def test_the_page_names_every_rule_of_every_ledger(made):
    rules = [rule for values in metrics().values() if "rows" in values for rule in values["rows"]["rejected"]]
    assert len(set(rules)) == 4
    for rule in rules:
        assert f"<code>{rule}</code>" in made[0]


def test_the_page_names_every_stage_of_the_graph(made):
    for stage in ("ingest ×7", "distill ×2", "synthesize ×2", "grade ×2", "report"):
        assert f">{stage}</text>" in made[0]


def test_ten_problems_of_each_level_stand_with_score_and_passage(made):
    _, page = made
    samples = page.texts[page.texts.index(SAMPLES) :]
    assert " ".join(samples).count("Passage of q") == 12
    assert len([text for text in samples if re.fullmatch(r"aime \d+, cot", text)]) == 10
    assert len([text for text in samples if re.match(r"Score [\d.]+ on algebra, rank", text)]) == 12
    assert "There is no candidate problem of this level." in page.text


def test_scores_and_comparisons_stand_with_their_intervals(made):
    for shown in ("42.5 to 57.5", "22.5 to 37.5", "+2.5 to +21.5", "0.012"):
        assert shown in made[1].text


def test_the_figures_of_the_run_stand_first(made):
    shown = made[1].text
    for figure in ("61.5 %", "41.5 %", "0.0 %", "62.5 %"):
        assert figure in shown[: shown.index("An edge says")]


def test_each_recipe_is_a_part_of_its_own(made):
    for recipe, share in (("jiuzhang", "0.0 %"), ("other", "62.5 %")):
        assert f"tool problems correct before curation, {recipe}" in made[1].text
        own = made[1].text.split(f"Problems of {recipe}")[1].split("families.")[0]
        assert own.count(share) == 2


def test_hits_stand_with_both_texts_under_the_certificate_that_found_them(made):
    shown = made[1].text
    recipe, instruction = (shown.index(f"Of the {name} rows") for name in ("jiuzhang", "instruction"))
    assert recipe < shown.index("row text 0") < instruction
    assert "item text" in shown
    assert "There is no hit to show." in shown[instruction:]


def test_each_score_names_the_certificates_of_its_training_set(made):
    assert made[1].text.count("instruction 0a1b2c3d4e5f, jiuzhang 9f8e7d6c5b4a") == 2


def test_the_page_says_plainly_that_the_writer_is_no_llm(made, tmp_path):
    assert made[1].text.count("it writes by rule, with drawn numbers, and is no LLM") == 2
    _, page = run_stage(tmp_path, [problem(0, text=BAGS, answer="12")], provider="openai")
    assert "is no LLM" not in page.text
    assert "$1.50" in page.text
    assert page.text.count("Not measured: only problems of the built-in writer's families") == 2


def test_the_same_inputs_give_the_same_bytes(made, tmp_path):
    assert run_stage(tmp_path, PROBLEMS)[0] == made[0]

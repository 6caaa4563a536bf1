"""The report: one file that shows everything and runs nothing but its filter, whatever models wrote."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from jz3.report.page import STAMP, stamped
from jz3.report.summary import headline, told_apart
from jz3.tables.comparison import Comparison
from jz3.tables.score_row import ScoreRow
from tests.report.builders import metrics, problem, write_run
from tests.report.table_rows import HOSTILE, averages, comparison, score
from tests.stage_folder import stage_folder

ROOT = Path(__file__).parents[2]
VOID = {"br", "hr", "input", "meta"}
ALONE = {"circle", "line", "rect", "path", "use"}
"""SVG elements that close themselves."""


class Page(HTMLParser):
    """Checks that every element is closed in order, and collects what a browser would show."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.addresses, self.handlers, self.texts = [], [], [], [], []
        self.ids, self.scopes = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self._see(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in ALONE
        self._see(tag, attrs)

    def _see(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.ids += [value for name, value in attrs if name == "id"]
        self.scopes += [dict(attrs).get("scope")] if tag == "th" else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


def run_stage(root, problems, provider="writer"):
    flags = write_run(root, problems, provider)
    stage_folder(root, profile=None)
    shutil.copytree(ROOT / "profiles", root / "profiles", dirs_exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "stages.report", *flags],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    html = (root / "report/index.html").read_text(encoding="utf-8")
    return html, Page(html)


PROBLEMS = [
    problem(0, text=f"{HOSTILE} What is $\\text{{{HOSTILE}}}$?"),
    problem(
        1,
        kind="tool",
        text="Any?",
        solution=f"```python\nprint(12) # {HOSTILE}\n```\n```output\n12\n```",
        answer=HOSTILE,
    ),
    *(
        problem(number, level="high" if number in (3, 4) else "aime", text=f"Problem number {number}")
        for number in range(2, 16)
    ),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return run_stage(tmp_path_factory.mktemp("run"), PROBLEMS)


def article(html, row_id):
    """The only sample in the section of that name."""
    samples = html.split(">Samples</h2>")[1].split("</section>")[0]
    (found,) = [one for one in samples.split("<article") if f'<code class="id">{row_id}<' in one]
    return found


def test_the_page_is_balanced_and_its_links_lead_to_places_on_it(made):
    _, page = made
    assert page.open == []
    assert page.addresses
    assert {address.removeprefix("#") for address in page.addresses} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_nothing_on_the_page_is_fetched_and_only_the_script_that_its_policy_names_runs(made):
    html, page = made
    assert "alert" in page.text, "the hostile text must be there to prove anything"
    assert page.tags.count("script") == 1
    assert not page.handlers
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy.replace("&#39;", "'").split("script-src ")[1] == f"'sha256-{digest}'"


def test_every_table_has_a_caption_and_every_heading_of_it_a_scope(made):
    html, page = made
    assert page.tags.count("table") == page.tags.count("caption") > 10
    assert set(page.scopes) == {"col", "row"}
    assert '<th scope="col"></th>' not in html
    assert page.tags.count("main") == page.tags.count("h1") == 1


def test_the_page_names_every_rule_of_every_ledger(made):
    rules = [rule for values in metrics().values() if "rows" in values for rule in values["rows"]["rejected"]]
    assert len(set(rules)) == 4
    for rule in rules:
        assert f"<code>{rule}</code>" in made[0]


def test_the_page_names_every_stage_of_the_graph(made):
    for stage in ("ingest ×7", "distill ×2", "synthesize ×2", "grade ×4", "report"):
        assert f">{stage}</text>" in made[0]


def test_samples_are_rows_of_the_final_set_each_with_its_id_and_badge(made):
    html, page = made
    for row_id, verdict in (("q003", "right"), ("q004", "wrong"), ("q001", "unknown")):
        assert f'<span class="badge {verdict}"' in article(html, row_id)
    assert len(re.findall(r'<article class="sample" data-verdict="(?!rejected)', html)) == 14
    assert html.count('data-level="aime"') == 10
    assert "There is no row of this level in the final sets." in page.text
    assert "Passage of q001" in article(html, "q001")


def test_a_tool_row_shows_what_its_program_printed_and_a_prose_row_claims_no_run(made):
    assert "output of the program, as run" in article(made[0], "q001")
    assert "as run" not in article(made[0], "q003")


def test_a_rejected_problem_stands_with_rule_and_evidence_and_in_no_set(made):
    found = article(made[0], "q002")
    assert 'data-verdict="rejected"' in found
    assert "<code>filter.contradicted_answer</code>" in found
    assert "it said 7" in found


def test_the_first_screen_says_what_the_run_is_and_how_it_did(made):
    shown = made[1].text.split("drawn by hash")[0]
    for said in ("embedded", "jiuzhang 15 rows", "$12.50", "61.5 %", "54.0 to 69.0", "+2.5 to +21.5"):
        assert said in shown
    assert re.search(r"\b[0-9a-f]{32}\b", shown)
    assert "6.7 %" in shown, "1 of the 15 rows that were kept is right"
    assert "1 of 15" in shown
    assert "1 of 16" in shown


def test_the_terminal_gets_the_same_headline():
    scores = pl.DataFrame([*averages(), score()], schema=ScoreRow.create_empty().schema)
    right = {"model": "jiuzhang", "recipe": "jiuzhang", "kind": "all"}
    counted = {"right_before": 1, "before": 16, "right_after": 1, "after": 15}
    assert headline(scores, pl.DataFrame([right | counted])) == [
        "instruct_only: mean over benchmarks: 30.2 % (95 % interval 22.8 to 37.8)",
        "jiuzhang: mean over benchmarks: 61.5 % (95 % interval 54.0 to 69.0)",
        "problems of jiuzhang right in the set of jiuzhang: 6.7 % (6.2 % before curation)",
    ]


def test_edited_parameters_are_no_profile(made, tmp_path):
    from jz3.report.summary import profile_in_use

    stage_folder(tmp_path, profile=None)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    assert profile_in_use(tmp_path) == "embedded"
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text() + "more: 1\n")
    assert profile_in_use(tmp_path).startswith("none of the profiles")


def test_scores_and_comparisons_stand_with_their_intervals(made):
    for shown in ("42.5 to 57.5", "22.5 to 37.5", "+2.5 to +21.5", "0.012", "8.2"):
        assert shown in made[1].text


def test_a_sentence_says_which_models_are_told_apart():
    ahead = comparison()
    behind = ahead | {"setting": "tool", "difference": -3.0, "p_holm": 0.3}
    average = ahead | {"setting": "both", "p_value": None, "p_holm": None, "least_difference": None}
    rows = pl.DataFrame([ahead, behind, average], schema=Comparison.create_empty().schema)
    assert told_apart(rows) == (
        "Told apart: families (prose), jiuzhang 12.0 points above instruct_only. "
        "Not told apart: families (tool), instruct_only 3.0 points above jiuzhang."
    )
    assert told_apart(rows.filter(setting="both")) == ""


def test_of_more_than_two_models_the_pairs_that_are_told_apart_are_counted():
    of_texts = {"group": "texts alone"}
    found = [comparison() | {"against": other} for other in ("instruct_only", "metamath")]
    found += [one | of_texts | {"p_holm": p_holm} for one, p_holm in zip(found, (0.01, 0.2), strict=True)]
    found += [one | {"setting": "tool", "p_holm": 0.2} for one in found[:2]]
    assert told_apart(pl.DataFrame(found, schema=Comparison.create_empty().schema)) == (
        "Of 2 pairs of models are told apart: on families (prose) 2, families (prose, texts alone) 1. "
        "None is on families (tool)."
    )


def test_hits_stand_with_both_texts_under_the_certificate_that_found_them(made):
    shown = made[1].text
    recipe, instruction = (shown.index(f"Of the {name} rows") for name in ("jiuzhang", "instruction"))
    assert recipe < shown.index("row text 0") < instruction
    assert "item text" in shown
    assert "There is no hit to show." in shown[instruction:]


def test_each_score_names_the_certificates_of_its_training_set(made):
    assert made[1].text.count("instruction 0a1b2c3d4e5f, jiuzhang 9f8e7d6c5b4a") == 2


def test_the_page_says_plainly_who_wrote_the_problems(made, tmp_path):
    assert made[1].text.count("it writes by rule, with drawn numbers, and is no LLM") == 2
    _, page = run_stage(tmp_path, PROBLEMS, provider="openai")
    assert "is no LLM" not in page.text
    assert "$1.50" in page.text


def test_the_same_inputs_give_the_same_bytes(made, tmp_path):
    assert run_stage(tmp_path, PROBLEMS)[0] == made[0]


def test_a_stamp_changes_one_place_of_a_copy_and_is_not_given_twice(made):
    copy = stamped(made[0], "Copied on <b>.")
    assert copy.replace('<p class="stamp">Copied on &lt;b&gt;.</p>', STAMP) == made[0]
    with pytest.raises(ValueError, match="no place for a stamp"):
        stamped(copy, "again")

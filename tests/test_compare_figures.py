"""README.md and docs/comparison.md show the comparison of the record, and the record belongs to the
profile.
"""

import pytest
import yaml

from tests.compare_figures import DRAWING, PAGES, ROOT, compared, drawn, record, renewed


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_the_tables_of_the_record(page):
    """`python -m tests.compare_figures CLONE` renews them."""
    text = (ROOT / page).read_text()
    assert "<!-- compare: " in text
    assert renewed(text) == text


@pytest.mark.parametrize(
    ("ours", "other", "group"),
    [
        ("jiuzhang", "instruct_only", "all"),
        ("jiuzhang", "instruct_only", "seeds and texts"),
        ("jiuzhang", "jiuzhang_random", "all"),
        ("mass", "mass_length_matched", "all"),
    ],
)
def test_what_the_readme_concludes_has_the_intervals_of_the_record(ours, other, group):
    [pair] = compared(setting="both", group=group, model=ours, against=other).to_dicts()
    below = pair["high"] < 0  # said as so many points below
    ends = (-pair["high"], -pair["low"]) if below else (pair["low"], pair["high"])
    found = -pair["difference"] if below else pair["difference"]
    said = " ".join((ROOT / "README.md").read_text().split()).partition("What this shows")[2]
    assert f"{ends[0]:.1f} to {ends[1]:.1f})" in said
    assert f"({found:.1f}" in said


def test_the_drawing_is_that_of_the_record():
    assert DRAWING.read_text() == drawn()


@pytest.mark.parametrize("name", ["arms", "test_arms"])
def test_every_arm_of_the_profile_was_trained_with_each_seed_within_its_budgets(name):
    graph = yaml.safe_load((ROOT / "profiles/graphs/compare.yaml").read_text())
    budget = yaml.safe_load((ROOT / "profiles/compare.yaml").read_text())["budget"]
    arms = record(name)
    assert {(row["model"], row["set"], row["seed"]) for row in arms.iter_rows(named=True)} == {
        (model, one["set"], one["seed"]) for model, one in graph["models"].items()
    }
    assert arms["teacher_tokens"].max() <= budget["teacher_tokens"]
    assert arms["tokens_read"].to_list() == pytest.approx([budget["training_tokens"]] * arms.height, rel=0.01)

"""The tables say what the grades hold, with intervals that do not move from run to run."""

from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles, OutDir
from jz3.core.hashing import draw_order
from jz3.evaluation.costs import costs_of
from jz3.evaluation.coverage import HELD, NOTHING, SEEDS, TEXTS, Ground
from jz3.evaluation.disagreements import disagreements_of
from jz3.evaluation.intervals import interval
from jz3.evaluation.mcnemar import exact_p_value, least_lead
from jz3.evaluation.pages import write_pages
from jz3.evaluation.published import PublishedError, read_published
from jz3.evaluation.sampling import by_samples, pass_at
from jz3.evaluation.tabulate import ALL, TabulateParams, headline_of, stack, tabulate
from jz3.tables.comparison import Comparison
from jz3.tables.disagreement import Disagreement
from jz3.tables.grade import Grade
from jz3.tables.pages_manifest import PagesManifest
from jz3.tables.published_row import PublishedRow
from jz3.tables.score_row import ScoreRow

NONE = dict.fromkeys(("test_families", "backward", "test_backward", "composed", "test_composed"))
PARAMS = TabulateParams(seed=1, resamples=500, families="held_out", published=[], untaught=["c"], **NONE)
SUBJECTS = {"benchmark": pl.String, "subject": pl.String}
FIGURES = InFiles(Path(__file__).parents[2] / "data/raw/published")


def grades(correct, hit=()):
    """`correct[setting][subject]` is a list of verdicts."""
    rows = [
        {
            "response_id": f"{subject}{number}/{setting}/0",
            "item_id": f"{subject}{number}",
            "benchmark": "held_out",
            "setting": setting,
            "draw": 0,
            "subject": subject,
            "level": "high",
            "gold": "1",
            "same_as": 0,
            "predicted": "1",
            "correct": verdict,
            "correct_lenient": True,
            "rule": "number",
            "second_opinion": verdict,
            "prompt_tokens": 10,
            "completion_tokens": 3,
            "truncated": False,
            "certificate": "synthetic 0a1b",
            "contamination": "hit" if f"{subject}{number}" in hit else "clean",
        }
        for setting, subjects in correct.items()
        for subject, verdicts in subjects.items()
        for number, verdict in enumerate(verdicts)
    ]
    return Grade.validate(pl.DataFrame(rows, schema=Grade.create_empty().schema))


GOOD = grades({"prose": {"a": [True, False], "b": [True, True]}, "tool": {"a": [True] * 2, "b": [True] * 2}})
POOR = grades(
    {"prose": {"a": [False] * 2, "b": [False] * 2}, "tool": {"a": [True] * 2, "b": [False] * 2}}, hit=("a0",)
)


def tabulated(models, published=(), rivals=None):
    known = read_published(FIGURES, list(published))
    return tabulate(
        stack(models), frozenset({"a"}), PARAMS.development, known, rivals or list(models), PARAMS
    )


@pytest.fixture(scope="module")
def tables():
    return tabulated({"good": GOOD, "poor": POOR})


def score(scores, **where):
    (row,) = scores.filter(pl.all_horizontal(pl.col(k) == v for k, v in where.items())).iter_rows(named=True)
    return row


def test_accuracies_by_setting_group_and_average(tables):
    scores = tables["scores"]
    ScoreRow.validate(scores)
    headline = headline_of(scores, PARAMS)
    assert score(scores, model="good", setting="prose", group_by="all")["accuracy"] == 75
    assert score(scores, model="good", setting="prose", group_by="coverage", group=SEEDS)["accuracy"] == 50
    macro = score(scores, model="poor", group="macro over families")
    assert macro["accuracy"] == 25
    assert macro["accuracy_lenient"] == 100
    assert headline.macro_over_families == {"good": 87.5, "poor": 25.0}
    assert headline.seeds_and_texts == {"good": 75.0, "poor": 50.0}
    assert headline.texts_alone == {"good": 100.0, "poor": 0.0}
    assert headline.no_data == {}
    assert headline.tool == {"good": 100.0, "poor": 50.0}


def test_the_headline_of_a_setting_is_over_all_items():
    uneven = grades({"prose": {"a": [True] * 3, "b": [False]}, "tool": {"a": [True] * 3, "b": [True]}})
    headline = headline_of(tabulated({"m": uneven})["scores"], PARAMS)
    assert (headline.prose, headline.tool) == ({"m": 75.0}, {"m": 100.0})


def test_an_interval_is_drawn_by_the_names_of_its_model_and_group_so_that_no_other_row_moves_it():
    rights = {f"f{number}": [place < number for place in range(9)] for number in range(9)}
    scores = tabulated({"m": grades({"prose": rights})})["scores"]
    values = np.array([number / 9 for number in range(9)])
    for group_by, group, drawn in (
        ("average", "macro over families", "m/macro over families"),
        ("macro", ALL, f"m/held_out/{ALL}"),
    ):
        (row,) = scores.filter(group_by=group_by, group=group, benchmark="held_out").iter_rows(named=True)
        assert (row["low"], row["high"]) == interval(values, PARAMS.resamples, draw_order(PARAMS.seed, drawn))


def test_families_are_averaged_by_what_the_data_hold_of_them():
    three = {"a": [True, False], "b": [True, True], "c": [False, False]}
    scores = tabulated({"m": grades({"prose": three, "tool": three})})["scores"].filter(group_by="macro")
    assert dict(scores.select("group", "accuracy").iter_rows()) == {
        ALL: 50.0,
        HELD: 75.0,
        SEEDS: 50.0,
        TEXTS: 100.0,
        NOTHING: 0.0,
    }
    assert set(scores["setting"]) == {"both"}


@pytest.mark.parametrize(
    ("subject", "group"),
    [
        ("a", SEEDS),
        ("b", TEXTS),
        ("c", NOTHING),
        ("a + a", SEEDS),
        ("a + b", TEXTS),
        ("b + a", TEXTS),
        ("c + a", NOTHING),
        ("b + c", NOTHING),
        (None, None),
    ],
)
def test_an_item_of_two_families_is_of_the_group_that_is_held_least(subject, group):
    rows = pl.DataFrame({"benchmark": ["held_out", "gsm8k"], "subject": [subject] * 2}, SUBJECTS)
    ground = Ground(frozenset({"a"}), frozenset({"c"}), ["held_out"])
    assert ground.marked(rows)["coverage"].to_list() == [group, None]
    assert Ground(frozenset(), frozenset(), ["held_out"]).marked(rows)["coverage"].to_list() == [None, None]


def test_one_model_of_each_set_is_compared_with_those_of_others():
    found = tabulated({"good": GOOD, "good_1": POOR, "poor": POOR}, rivals=["good", "poor"])
    pairs = set(found["comparisons"].select("model", "against").iter_rows())
    assert pairs == {("good", "poor")}
    assert set(found["scores"]["model"]) == {"good", "good_1", "poor"}


def test_the_score_without_hit_items_stands_beside(tables):
    row = score(tables["scores"], model="poor", setting="tool", group_by="all")
    assert (row["accuracy"], row["clean_items"], row["items"]) == (50, 3, 4)
    assert row["accuracy_clean"] == pytest.approx(100 / 3)


def test_a_score_is_unchecked_where_one_of_its_items_is(tables):
    assert set(tables["scores"]["contamination"]) == {"checked"}
    unchecked = GOOD.with_columns(
        contamination=pl.when(item_id="b1").then(pl.lit("unchecked")).otherwise("contamination")
    )
    scores = tabulated({"good": unchecked})["scores"]
    of_subjects = scores.filter(pl.col("group_by") == "subject", pl.col("setting") == "prose")
    assert dict(of_subjects.select("group", "contamination").iter_rows()) == {
        "a": "checked",
        "b": "unchecked",
    }
    assert score(scores, setting="prose", group_by="all")["contamination"] == "unchecked"


def test_two_models_are_compared_on_the_same_items(tables):
    comparisons = tables["comparisons"]
    Comparison.validate(comparisons)
    prose = score(comparisons, setting="prose", group="all")
    assert (prose["difference"], prose["items"]) == (75, 4)
    assert prose["p_value"] == prose["p_holm"] == exact_p_value(3, 0) == 0.25
    assert prose["least_difference"] is None, "three items on which they differ can show nothing"


def test_macro_averages_are_compared_over_the_families(tables):
    both = score(tables["comparisons"], setting="both", group="all")
    assert (both["model"], both["against"], both["items"]) == ("good", "poor", 4)
    assert both["difference"] == 87.5 - 25
    assert (both["low"], both["high"]) == (25, 100), "of the two families: 25 points in one, 100 in the other"
    assert both["p_value"] is None


def test_models_are_compared_on_the_families_of_each_group(tables):
    of_seeds = score(tables["comparisons"], setting="both", group=SEEDS)
    assert (of_seeds["difference"], of_seeds["items"]) == (25, 2)
    assert (of_seeds["low"], of_seeds["high"]) == (25, 25), "one family"
    prose = score(tables["comparisons"], setting="prose", group=SEEDS)
    assert (prose["items"], prose["p_value"]) == (2, exact_p_value(1, 0))
    assert set(tables["comparisons"]["group"]) == {"all", SEEDS, TEXTS}


def test_p_values_are_corrected_for_the_pairs_of_models():
    right, wrong = ([verdict] * 8 for verdict in (True, False))
    models = {name: grades({"tool": {"a": verdicts}}) for name, verdicts in [("x", right), ("y", wrong)]}
    models["z"] = grades({"tool": {"a": [True] * 7 + [False]}})
    found = tabulated(models)["comparisons"].filter(pl.col("setting") == "tool")
    of = {(row["model"], row["against"]): row for row in found.iter_rows(named=True)}
    assert of["x", "y"]["p_holm"] == pytest.approx(3 * exact_p_value(8, 0))
    assert of["y", "z"]["p_holm"] == pytest.approx(2 * exact_p_value(0, 7))
    assert of["x", "z"]["p_holm"] == 1
    assert of["x", "y"]["least_difference"] == 100, "of 8 items 8, as 7 of 8 have p = 0.07"


@given(st.integers(0, 300))
def test_the_least_lead_is_significant_and_the_one_below_is_not(differing):
    def p_of(lead):
        return exact_p_value((differing + lead) // 2, (differing - lead) // 2)

    lead = least_lead(differing)
    if lead is None:
        assert p_of(differing) > 0.05
    else:
        assert p_of(lead) <= 0.05
        assert lead < 2 or p_of(lead - 2) > 0.05


def test_without_test_benchmarks_the_pages_say_so(tmp_path):
    nothing = tabulated({"good": GOOD.clear(), "poor": POOR.clear()})
    write_pages(nothing, OutDir(PagesManifest, tmp_path / "test"))
    assert "grade.test" in (tmp_path / "test/summary.md").read_text()


def all_tables():
    found = tabulated({"good": GOOD, "poor": POOR}, ["JiuZhang3.0-7B"])
    return found | {"costs": costs_of(MEASURED)}


MEASURED = {
    "distill/initial": {
        "rows": {"read": 5},
        "prompt_tokens": 70,
        "completion_tokens": 80,
        "cost_usd": 0.25,
        "priced": True,
    },
    "answer/good": {"rows": {"read": 8}, "prompt_tokens": 40, "completion_tokens": 12},
}


def test_the_same_grades_give_the_same_pages(tmp_path):
    for name in ("one", "two"):
        write_pages(all_tables(), OutDir(PagesManifest, tmp_path / name))
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    summary = (tmp_path / "one" / "summary.md").read_text()
    assert "| held_out | macro over families | both | 4 | checked | 87.5 [" in summary
    assert "| distill/initial | 5 | 70 | 80 | 0.25 |" in summary
    assert "| good | synthetic 0a1b |" in summary
    assert "published figures" not in summary, "none of these benchmarks is in the paper"


def test_a_score_carries_what_its_responses_took_and_its_certificate(tables):
    row = score(tables["scores"], model="good", setting="prose", group_by="all")
    assert (row["responses"], row["prompt_tokens"], row["completion_tokens"]) == (4, 40, 12)
    assert row["certificate"] == "synthetic 0a1b"


def drawn(*verdicts):
    """One item, answered several times: each verdict with the first draw that gave an equal answer."""
    one = grades({"prose": {"a": [True]}}).to_dicts()[0]
    rows = [
        one
        | {
            "response_id": f"a0/prose/{draw}",
            "draw": draw,
            "same_as": same_as,
            "predicted": None if same_as is None else str(same_as),
            "correct": correct,
            "correct_lenient": correct,
        }
        for draw, (same_as, correct) in enumerate(verdicts)
    ]
    return pl.DataFrame(rows, schema=Grade.create_empty().schema)


def test_pass_at_k_and_the_vote_stand_beside_the_mean_of_the_draws():
    table = drawn((0, False), (1, True), (1, True), (None, False))
    scores = tabulated({"m": table})["scores"]
    ScoreRow.validate(scores)
    of = {
        row["group"]: row["accuracy"] for row in scores.iter_rows(named=True) if row["group_by"] == "samples"
    }
    assert score(scores, group_by="all")["accuracy"] == 50
    assert of == {"pass@2": pytest.approx(100 * 5 / 6), "pass@4": 100.0, "majority@4": 100.0}


def test_a_tied_vote_goes_to_the_first_answer_and_no_answer_has_no_vote():
    first = by_samples(drawn((0, True), (1, False), (None, False), (None, False)))
    assert first["majority@4"]["correct"].to_list() == [1.0]
    none = by_samples(drawn((None, False), (None, False)))
    assert none["majority@2"]["correct"].to_list() == [0.0]
    assert by_samples(drawn((0, True))) == {}


@given(st.integers(1, 12), st.data())
def test_pass_at_k_is_the_share_of_draws_of_k_that_hold_a_right_answer(answers, data):
    right = data.draw(st.integers(0, answers))
    k = data.draw(st.integers(1, min(answers, 4)))
    marks = [place < right for place in range(answers)]
    chosen = list(combinations(marks, k))
    assert pass_at(k, answers, right) == pytest.approx(sum(map(any, chosen)) / len(chosen))


def test_published_figures_stand_beside_ours_with_the_difference_and_their_mean():
    of_paper = pl.concat(
        [
            grades({"prose": {"a": [True, False]}}).with_columns(benchmark=pl.lit(name))
            for name in ("gsm8k", "svamp")
        ]
    )
    rows = tabulated({"ours": of_paper}, ["JiuZhang3.0-7B"])["published"]
    PublishedRow.validate(rows)
    of = {row["benchmark"]: row for row in rows.iter_rows(named=True)}
    assert list(of) == ["gsm8k", "mean", "svamp"]
    assert of["gsm8k"]["difference"] == pytest.approx(50 - 88.6)
    assert of["mean"]["published"] == pytest.approx((88.6 + 90.4) / 2)
    assert of["mean"]["low"] is None


def test_the_published_means_are_those_that_the_paper_prints():
    """A mistyped figure moves its model's mean. (MAmmoTH2-7B-Plus prints 75.2 for 75.4.)"""
    printed = {
        "GPT-4": 82.5,
        "Llemma-34B": 59.1,
        "Intern-Math-20B": 63.9,
        "MAmmoTH2-8x7B-Plus": 76.4,
        "JiuZhang3.0-8x7B": 79.3,
        "Mistral-7B-MMIQC": 65.2,
        "MetaMath-Mistral-7B": 65.4,
        "Abel-7B-002": 66.4,
        "WizardMath-7B-1.1": 67.6,
        "Math-Shepherd-Mistral-7B": 68.3,
        "MAmmoTH2-8B-Plus": 74.6,
        "DeepSeekMath-7B-Instruct": 73.9,
        "DeepSeekMath-7B-RL": 77.4,
        "JiuZhang3.0-7B": 78.8,
        "JiuZhang3.0-8B": 78.3,
    }
    means = read_published(FIGURES, list(printed)).group_by("model").agg(pl.col("accuracy").mean())
    for model, mean in means.iter_rows():
        assert mean == pytest.approx(printed[model], abs=0.0501), model


def test_a_published_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PublishedError, match="no figures of GPT-5"):
        read_published(FIGURES, ["GPT-5"])
    with pytest.raises(PublishedError, match="cannot be read"):
        read_published(InFiles(tmp_path), [])


def test_a_disagreement_is_a_response_with_an_answer_on_which_the_verdicts_differ():
    table = grades({"prose": {"a": [True, True, False]}}).with_columns(
        second_opinion=pl.Series([True, False, True]), predicted=pl.Series(["1", "1", None])
    )
    found = disagreements_of(stack({"m": table}))
    Disagreement.validate(found)
    assert found["response_id"].to_list() == ["a1/prose/0"]


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 2**32))
def test_an_interval_holds_the_mean(values, seed):
    array = np.array(values, dtype=float)
    low, high = interval(array, 200, seed)
    assert 0 <= low <= 100 * array.mean() + 1e-9
    assert 100 * array.mean() - 1e-9 <= high <= 100


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_exact_test_is_symmetric_and_a_probability(wins, losses):
    assert exact_p_value(wins, losses) == exact_p_value(losses, wins)
    assert 0 < exact_p_value(wins, losses) <= 1


def test_an_interval_leaves_out_one_resample_in_forty_on_either_side():
    values = np.linspace(0, 1, 400)
    low, high = interval(values, 10_000, 3)
    error = 100 * values.std() / np.sqrt(len(values))
    assert [(50 - low) / error, (high - 50) / error] == pytest.approx([1.96, 1.96], abs=0.09)

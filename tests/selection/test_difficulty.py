"""Values by pass rates: the nearest to the rate that is sought is best, and no rate is made up."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, Out
from jz3.lm.tokenizer import train_tokenizer
from jz3.selection.choose import ChooseParams, choose
from jz3.selection.difficulty import NO_RATE, DifficultyParams, valued_by_rate
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict

TEXTS = ["The answer is 5.", "3 + 4 = 7, so it is 7.", "7"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, 300)


def tables(rates, folder):
    """Problems p00, p01, ... and their rates: None without an answer, no row if nobody asked."""
    problems = [
        {
            "problem_id": f"p{place:02}",
            "source": "web",
            "kind": "cot",
            "problem": "q",
            "solution": TEXTS[place % 3],
        }
        for place in range(len(rates))
    ]
    known = [
        {"problem_id": f"p{place:02}", "solver": "s", "draws": 4, "votes": 0, "rate": rate}
        for place, rate in enumerate(rates)
        if rate != "not asked"
    ]
    Out(Problem, folder / "problems").write(pl.DataFrame(problems, schema=Problem.create_empty().schema))
    Out(PassRate, folder / "rates.parquet").write(pl.DataFrame(known, schema=PassRate.create_empty().schema))
    return In(Problem, folder / "problems"), In(PassRate, folder / "rates.parquet")


def values_of(rates, sought, folder, tokenizer):
    found = valued_by_rate(*tables(rates, folder), tokenizer, DifficultyParams(sought=sought))
    metrics = Out(Value, folder / "values").sink(found)
    return In(Value, folder / "values").read(), metrics


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([None, "not asked", 0.0, 0.25, 0.5, 0.75, 1.0]), max_size=9),
    st.sampled_from([0.0, 0.5, 0.75, 1.0]),
)
def test_every_rate_has_its_value_and_what_has_none_is_counted(tokenizer, rates, sought):
    with TemporaryDirectory() as folder:
        values, metrics = values_of(rates, sought, Path(folder), tokenizer)
    known = {f"p{place:02}": rate for place, rate in enumerate(rates) if rate not in (None, "not asked")}
    assert dict(values.select("problem_id", "value").iter_rows()) == {
        name: 1 - abs(rate - sought) for name, rate in known.items()
    }
    assert set(values["solution_tokens"]) <= {len(tokenizer(text).input_ids) for text in TEXTS}
    assert (metrics.rows.read, metrics.rows.kept) == (len(rates), len(known))
    assert metrics.rows.rejected == ({NO_RATE: len(rates) - len(known)} if len(rates) > len(known) else {})


def test_a_choice_by_difficulty_takes_the_hardest_first(tmp_path, tokenizer):
    values_of([1.0, 0.25, None, 0.0, 0.75, "not asked"], 0.0, tmp_path, tokenizer)
    Out(Verdict, tmp_path / "none.parquet").write(Verdict.create_empty())
    problems, values = In(Problem, tmp_path / "problems"), In(Value, tmp_path / "values")
    params = ChooseParams(share=0.5, by="value", seed=0)
    chosen = choose(problems, values, [In(Verdict, tmp_path / "none.parquet")], params)
    assert chosen.metrics.method == "difficulty"
    assert chosen.ids.to_list() == ["p01", "p03"]
    assert chosen.metrics.rows.rejected == {"choose.lower_value": 2, "choose.no_value": 2}

"""Every drop is on the page with its rule, and every set with its writer and its price."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jz3.report.accounts import knowledge_sets, waterfall
from tests.report.builders import distilled, ledger

RULES = st.dictionaries(st.from_regex(r"[a-z]{1,8}\.[a-z_]{1,12}", fullmatch=True), st.integers(1, 10**6))


@given(RULES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_every_rule_stands_with_its_rows(rules, kept, failed):
    rows = {"read": kept + failed + sum(rules.values()), "kept": kept, "rejected": rules, "failed": failed}
    page = waterfall({"filter": {"rows": rows}})
    for rule, dropped in rules.items():
        assert f"<code>{rule}</code> {dropped:,}</span>" in page
    assert f">{rows['read']:,}<" in page


@given(RULES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_bar_and_the_rules_show_what_came_of_the_rows(rules, kept, failed):
    read = kept + failed + sum(rules.values())
    page = waterfall({"filter": {"rows": ledger(kept, failed) | {"read": read, "rejected": rules}}})
    bars = dict(re.findall(r'<rect class="(\w+)" x="[\d.]+" width="([\d.]+)"', page))
    for part, rows in {"kept": kept, "rejected": sum(rules.values()), "failed": failed}.items():
        assert float(bars.get(part, 0)) == pytest.approx(100 * rows / max(read, 1), abs=0.005)
    dropped = [int(number.replace(",", "")) for number in re.findall(r"</code> ([\d,]+)</span>", page)]
    assert dropped == sorted(rules.values(), reverse=True)


def test_an_account_that_does_not_add_up_is_not_shown():
    with pytest.raises(ValidationError):
        waterfall({"filter": {"rows": ledger() | {"read": 99}}})


def test_stages_that_draw_show_their_counts_and_stages_of_shares_alone_are_left_out():
    page = waterfall({"sample": {"passages": {"a": 7, "b": 5}}, "tabulate": {"prose": {"x": 1.5}}})
    assert "passages 12" in page
    assert "tabulate" not in page


def test_each_set_stands_with_provider_and_cost():
    page = knowledge_sets(
        {
            "distill/initial": distilled("writer"),
            "distill/boosted": distilled("openai", cost_usd=1234.5),
            "distill/other": distilled("vllm", priced=False, cost_usd=0.0),
        }
    )
    assert "The set “initial” was written by the built-in problem writer: it writes by rule" in page
    assert "The set “boosted” was written by the model openai-model, called through openai." in page
    for cost in ("none (no LLM)", "$1,234.50", "no price known"):
        assert cost in page

"""Precision and recall of the filters of a run against what was planted, rule by rule and kind by kind."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from benchmarks.erring.runs import Answered, Run
from benchmarks.erring.truth import harm_of, rows_with_errors, spoilt_asks, wrong_rows

KEPT_APART = ("repeated", "not_first", "not_chosen", "not_preferred", "not_drawn")
"""Rules that choose between right answers: they do not indicate an error."""
REASONS = ("planted", "harmless", "inherited", "not known", "given back", "other value", "none")
"""What is wrong with a rejected answer: a harmful error, a harmless one, the error of a text that it
continues, or something that the writer itself could not do. `none`: nothing is wrong.
"""


@dataclass(frozen=True)
class Check:
    """How well answers of one sort are told apart. A share is None if there is nothing to take it of."""

    harmful: int
    """Answers with a harmful error."""
    at_once: int
    """Of these, rejected by a rule on the answer itself."""
    later: int
    """Of the others, those that left no row."""
    rejected: int
    """Answers rejected by such a rule."""
    false: int
    """Of these, those with nothing wrong. An answer whose error cancels out counts as right, a text with a
    changed number does not.
    """

    @property
    def recall(self) -> float | None:
        """The share of harmful answers that left no row."""
        return (self.at_once + self.later) / self.harmful if self.harmful else None

    @property
    def recall_at_once(self) -> float | None:
        """The share of harmful answers that were rejected themselves."""
        return self.at_once / self.harmful if self.harmful else None

    @property
    def precision(self) -> float | None:
        """The share of rejected answers with something wrong."""
        return 1 - self.false / self.rejected if self.rejected else None


@dataclass(frozen=True)
class Account:
    """The account of a run."""

    answers: Check
    """Solutions, corrections and decompositions: compared with gold, execution or a label."""
    texts: Check
    """Rewordings, statements, masked copies and stories: compared with the text that they come from.
    Questions on a passage and its concepts: checked by their form.
    """
    by_rule: dict[str, Counter[str]]
    """Rejected answers by rule, and by what was wrong (REASONS)."""
    by_kind: dict[str, Counter[str]]
    """Planted errors by kind, and by what became of them: at once, later, kept, or harmless."""
    kept: int
    wrong: int
    """Kept rows whose answer is not that of their question, or whose question no reader can read."""
    with_errors: int
    """Kept rows with an error in their solution."""


def account(run: Run) -> Account:
    """The account of all asks of a run."""
    spoilt = spoilt_asks(run)
    alive = _alive(run)
    by_rule: dict[str, Counter[str]] = defaultdict(Counter)
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    counts = {"answers": Counter[str](), "texts": Counter[str]()}
    for name, one in run.answered.items():
        sort = "answers" if is_answer(one) else "texts"
        rejected = one.rule is not None and one.rule not in KEPT_APART
        if rejected:
            reason = spoilt.get(name, "none" if one.erred.kind is None else "harmless")
            by_rule[one.rule or ""][reason] += 1
            counts[sort]["rejected"] += 1
            counts[sort]["false"] += reason == "none" or (reason == "harmless" and sort == "answers")
        if one.erred.kind is None:
            continue
        if harm_of(one) == "none":
            by_kind[one.erred.kind]["harmless"] += 1
            continue
        fate = "at once" if rejected else "kept" if name in alive else "later"
        by_kind[one.erred.kind][fate] += 1
        counts[sort]["harmful"] += 1
        counts[sort][fate] += 1
    return Account(
        answers=_check(counts["answers"]),
        texts=_check(counts["texts"]),
        by_rule=dict(sorted(by_rule.items())),
        by_kind=dict(sorted(by_kind.items())),
        kept=run.found.problems.height,
        wrong=len(wrong_rows(run)),
        with_errors=len(rows_with_errors(run)),
    )


def is_answer(one: Answered) -> bool:
    """Whether an ask is compared with gold, execution or a label."""
    return one.ask.form != "text" or one.ask.operator == "decompose"


def _alive(run: Run) -> set[str]:
    """The asks that left a row, or that live on without being named by their children (a masked copy that was
    shown, a decomposition, a passage's concepts).
    """
    taken = {name for name, one in run.answered.items() if not one.rule}
    alive = {name for name in taken if run.answered[name].ask.operator in ("decompose", "concepts")}
    for row in run.found.lineage.iter_rows(named=True):
        texts = [name for name in row["parent_ids"] if name in run.answered]
        alive |= {row["problem_id"], *(name for name in texts if not _mended(run.answered[name]))}
    return alive


def _mended(one: Answered) -> bool:
    """A wrong attempt that a correction continues: it is not a row."""
    return one.ask.form in ("attempt", "correction")


def _check(counts: Counter[str]) -> Check:
    return Check(counts["harmful"], counts["at once"], counts["later"], counts["rejected"], counts["false"])

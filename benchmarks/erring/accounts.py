"""Precision and recall of the filters of a run against what was planted, rule by rule and kind by kind."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from benchmarks.erring.runs import Answered, Run
from benchmarks.erring.truth import harm_of, rows_with_errors, spoilt_asks, wrong_rows

KEPT_APART = ("repeated", "not_first", "not_chosen", "not_preferred", "not_drawn")
"""Rules that choose between right answers: they say nothing of an error."""
REASONS = ("planted", "harmless", "inherited", "not known", "given back", "other value", "none")
"""What is wrong with a rejected answer: an error that does harm, or none; the error of a text that it goes on
from; and what the writer itself could not do. `none`: nothing is."""


@dataclass(frozen=True)
class Check:
    """How well answers of one sort are told apart. Shares are None where there is nothing to take them of."""

    harmful: int
    """Answers with an error that does harm."""
    at_once: int
    """Of these, rejected by a rule on the answer itself."""
    later: int
    """Of the others, those of which no row is left."""
    rejected: int
    """Answers that such a rule rejected."""
    false: int
    """Of these, those in which nothing is wrong; an answer whose error cancels out is right, a text whose
    number was changed is not.
    """

    @property
    def recall(self) -> float | None:
        """Of harmful answers, those of which no row is left."""
        return (self.at_once + self.later) / self.harmful if self.harmful else None

    @property
    def recall_at_once(self) -> float | None:
        """Of harmful answers, those that were rejected themselves."""
        return self.at_once / self.harmful if self.harmful else None

    @property
    def precision(self) -> float | None:
        """Of rejected answers, those in which something is wrong."""
        return 1 - self.false / self.rejected if self.rejected else None


@dataclass(frozen=True)
class Account:
    """Of a run."""

    answers: Check
    """Solutions, corrections and decompositions: held against gold, execution or a label."""
    texts: Check
    """Rewordings, statements, masked copies, stories: held against the text that they come from; questions on
    a passage and its concepts: by their form.
    """
    by_rule: dict[str, Counter[str]]
    """Rejected answers by rule, and by what was wrong (REASONS)."""
    by_kind: dict[str, Counter[str]]
    """Planted errors by kind, and by what became of them: at once, later, kept, or harmless."""
    kept: int
    wrong: int
    """Kept rows whose answer is not that of their question, or whose question no reader reads."""
    with_errors: int
    """Kept rows with an error in their solution."""


def account(run: Run) -> Account:
    """Of all asks of a run."""
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
    """Whether an ask is held against gold, execution or a label."""
    return one.ask.form != "text" or one.ask.operator == "decompose"


def _alive(run: Run) -> set[str]:
    """The asks of which a row is left, or which live on where their children do not name them (a masked copy
    that was shown, a decomposition, a passage's concepts).
    """
    taken = {name for name, one in run.answered.items() if not one.rule}
    alive = {name for name in taken if run.answered[name].ask.operator in ("decompose", "concepts")}
    for row in run.found.lineage.iter_rows(named=True):
        texts = [name for name in row["parent_ids"] if name in run.answered]
        alive |= {row["problem_id"], *(name for name in texts if not _mended(run.answered[name]))}
    return alive


def _mended(one: Answered) -> bool:
    """A wrong attempt that a correction goes on from: it is no row."""
    return one.ask.form in ("attempt", "correction")


def _check(counts: Counter[str]) -> Check:
    return Check(counts["harmful"], counts["at once"], counts["later"], counts["rejected"], counts["false"])

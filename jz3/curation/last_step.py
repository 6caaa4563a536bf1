r"""Whether the box contradicts the last step before it.

The check is cautious. The box must hold a plain number, and the last step must compute one plain number (`90
- 20 = 70`) that is the only result on its line. It reports nothing if the boxed number occurs anywhere in the
sentences of that line or after it. So `... 90 - 20 = 70 dollars are there. The answer is \boxed{60}` is a
contradiction; `x = 5 and y = 7, the sum is \boxed{12}` is not recognised as one. It also reports nothing if
the words between result and box may contain a further step (`... = 30, and there are two such pieces:
\boxed{60}`): they may only say what the result counts (`70 dollars are there`) and lead to the answer (`so
the answer is`).

Costs some microseconds per text: the step is parsed only if the boxed number does not follow the last `=`.
"""

import re

import polars as pl

_NUMBER = r"-?\d+(?:\.\d+)?"
_COMPUTED = re.compile(
    rf"(?:\d|\)|\}})\s*(?:[-+*/×·÷−^]|\\times|\\cdot|\\div)[^=\n]*?=\s*({_NUMBER})(?![\d/^]|\s*[-+*/×·÷^\\=(]|\.\d)"
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))|(?<=\d)\{,\}(?=\d{3})")


_UNIT_WORDS = 4
"""Words after a result that may say what it counts (chosen: `dollars are there`)."""
_STEP = re.compile(
    r"twice|thrice|doubl|tripl|quadrupl|hal[fv]|quarter|third|times|both|each|every|per|pair|dozen|score|more"
    r"|less|fewer|extra|add|plus|minus|subtract|remain|left|rest|other|round|up|down|ceil|floor|near|next|whole"
    r"|least|most|convert|one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|negative|opposite"
    r"|squared|cube|root|digit|sum|product|altogether|together|invers|reciprocal|complement|before|after|last"
)
_LEADING = frozenset(
    (
        "a", "an", "and", "answer", "answers", "are", "as", "be", "boxed", "conclude", "correct",
        "desired", "equal", "equals", "exercise", "final", "find", "get", "give", "gives", "had", "has",
        "have", "he", "hence", "is", "it", "its", "means", "obtain", "our", "problem", "question",
        "required", "result", "see", "she", "so", "solution", "that", "the", "then", "there",
        "therefore", "these", "they", "this", "thus", "to", "value", "we", "which", "yield", "yields",
    )
)  # fmt: skip


def contradictions(solutions: pl.Series, answers: pl.Series) -> pl.Series:
    """The result of `contradiction` for each solution."""
    rows = pl.DataFrame({"solution": solutions, "answer": answers}).with_row_index("row")
    # Nothing can be said if the number follows the last `=`, or if there is no `=` before the box.
    boxed = pl.col("solution").str.replace_all("\\fbox", "\\boxed", literal=True)
    before = boxed.str.split("\\boxed").list.first()
    after_last = before.str.split("=").list.last().str.replace_all(r",|\{,\}", "")
    numbers = after_last.str.extract_all(r"\d+(?:\.\d+)?")
    plain = pl.col("answer").str.replace_all(r"[,$ ]", "")
    suspects = rows.filter(
        plain.str.contains(rf"^{_NUMBER}$") & before.str.contains("=", literal=True),
        ~numbers.list.contains(plain.str.strip_prefix("-")),
    )
    found = [contradiction(solution, answer) for _, solution, answer in suspects.iter_rows()]
    evidence = pl.Series(solutions.name, [None], dtype=pl.String).new_from_index(0, solutions.len())
    return evidence.scatter(suspects["row"], pl.Series(found, dtype=pl.String)) if found else evidence


def contradiction(solution: str, answer: str | None) -> str | None:
    """The last result and the boxed number if they disagree; None if they agree or it is not certain."""
    boxed = re.fullmatch(_NUMBER, _plain(answer or ""))
    boxes = list(_BOX.finditer(solution))
    if not boxed or len(boxes) != 1:
        return None
    before = _plain(solution[: boxes[0].start()])
    lines = [line for line in before.splitlines() if "=" in line]
    if not lines:
        return None
    step = lines[-1]
    results = list(_COMPUTED.finditer(step))
    if not results or results[-1].end() < step.rindex("="):
        return None
    if not _leads(before[before.rindex(step) + results[-1].end(1) :]):
        return None
    said_after = before[before.rindex(step) :]
    values = {float(number) for number in re.findall(rf"(?<![\d.]){_NUMBER}", said_after)}
    values |= {abs(value) for value in values}
    value = float(boxed[0])
    if value in values or abs(value) in values or _rounds(value, boxed[0], float(results[-1][1])):
        return None
    if value == 100 * float(results[-1][1]) and re.search(r"%|percent", solution, re.IGNORECASE):
        return None
    return f"... = {results[-1][1]}, boxed {boxed[0]}"


def _leads(between: str) -> bool:
    """Whether the words between a result and the box contain no step of their own."""
    plain = re.sub(r"\\[A-Za-z]+", " ", between)
    if re.search(r"\d", plain):
        return False
    sentence = re.match(r"[^.!?;:,\n]*", plain)
    assert sentence is not None
    units = re.findall(r"[^\W\d_]+", sentence[0].lower())
    rest = re.findall(r"[^\W\d_]+", plain[sentence.end() :].lower())
    while units and len(units) > _UNIT_WORDS and units[-1] in _LEADING:
        units.pop()
    if len(units) > _UNIT_WORDS or any(_STEP.match(word) for word in units):
        return False
    return all(word in _LEADING for word in rest)


def _plain(text: str) -> str:
    return _THOUSANDS.sub("", text).replace("−", "-").strip("$ \n")


def _rounds(value: float, written: str, result: float) -> bool:
    """Whether the boxed number is the result, rounded to the places written."""
    places = len(written.partition(".")[2])
    return abs(value - result) <= 0.5 * 10.0**-places

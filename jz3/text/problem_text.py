r"""The text form in which teacher and synthesis model write a problem: `[Problem]` ... `[Solution]` ...

Reading tolerates what models really write (marks in bold or as headings, with or without brackets and colon,
closing tags, a fence around everything, other labels on code blocks), but is strict about what cannot be
used: each such text is `Unusable` by a rule. The result is canonical: program and output of a tool problem
are in one ```python and one ```output block, so that later stages only need to know that form.

Rules: open_thought, two_thoughts, answer_in_thought, truncated, not_finished, missing_problem,
missing_solution, repeated_marker, wrong_order, empty_problem, empty_solution, open_fence,
tool_without_program, tool_with_two_programs, tool_without_output.
"""

import re
from dataclasses import dataclass
from itertools import dropwhile

from jz3.notation.thoughts import read_thoughts
from jz3.notation.turns import first_turn
from jz3.text.reply_frames import unframed

EVIDENCE_CHARACTERS = 300

_NAMES = {
    "problem": r"(?:new\s+)?problem(?:\s+(?:description|statement))?",
    "solution": r"(?:code\s+)?solution",
}
_MARKUP = r"[*_#>` \t]{0,12}(?:\d[.)][*_ \t]{0,4})?"
_ORNAMENT = re.compile(r"[ \t]*(?:-{3,}|\*{2,}|_{3,}|={3,}|#{1,6})?[ \t]*")


@dataclass(frozen=True)
class ParsedProblem:
    """A problem that a model wrote."""

    problem: str
    solution: str
    answer: str | None
    r"""Content of the last `\boxed` of the solution."""
    program: str | None
    """The program of a tool problem; None for cot."""
    output: str | None
    """The output that the model claims for the program."""


@dataclass(frozen=True)
class Unusable:
    """A text that is rejected, and the part of it that the rule saw."""

    rule: str
    evidence: str


class _Broken(Exception):  # noqa: N818 (never leaves this module)
    def __init__(self, rule: str, evidence: str) -> None:
        super().__init__(rule)
        self.unusable = Unusable(rule, _shortened(evidence))


def read_completion(
    text: str, finish_reason: str, kind: str, prompt: str, reasoning: str = ""
) -> ParsedProblem | Unusable:
    """Read a model's completion of a prompt. If the prompt ends with the mark `[Problem]`, it has opened the
    problem, whatever the model calls its parts, unless the model writes that very mark again. Thoughts,
    within the text or apart from it (`reasoning`), are ignored.
    """
    read = read_thoughts(text)
    thoughts = [thought for thought in (reasoning.strip(),) if thought and thought not in read.thoughts]
    thoughts += read.thoughts
    if read.open and finish_reason in ("stop", "length"):
        return Unusable("open_thought", text[-EVIDENCE_CHARACTERS:])
    if thoughts and not text.strip() and finish_reason in ("stop", "length"):
        rule = "answer_in_thought" if _holds_problem(thoughts[0]) else "open_thought"
        return Unusable(rule, thoughts[0][-EVIDENCE_CHARACTERS:])
    if finish_reason == "length":
        return Unusable("truncated", text[-EVIDENCE_CHARACTERS:])
    if finish_reason != "stop":  # content_filter, or another word of the server
        return Unusable("not_finished", _shortened(f"{finish_reason}: {text}"))
    if len(thoughts) > 1:
        return Unusable("two_thoughts", _shortened(thoughts[1]))
    answer = first_turn(read.answer)
    opened = prompt.rstrip().endswith("[Problem]") and not re.search(
        _bracketed("problem"), answer, re.IGNORECASE
    )
    found = read_problem(f"[Problem]\n{answer}" if opened else answer, kind)
    lacks = isinstance(found, Unusable) and found.rule in _LACKING
    if lacks and thoughts and _holds_problem(f"[Problem]\n{thoughts[0]}" if opened else thoughts[0]):
        return Unusable("answer_in_thought", _shortened(thoughts[0]))
    return found


_LACKING = ("missing_problem", "missing_solution", "empty_problem", "empty_solution")


def _holds_problem(thought: str) -> bool:
    """Whether a thought contains both parts of a problem."""
    return bool(_marks("problem", thought) and _marks("solution", thought))


def read_problem(text: str, kind: str) -> ParsedProblem | Unusable:
    """The problem in a whole answer of a model."""
    try:
        problem, solution = _parts(_unfenced(unframed(text.replace("\r\n", "\n"))))
        return _parsed(problem, solution, kind)
    except _Broken as broken:
        return broken.unusable


def render_problem(problem: str, solution: str, prompt: str) -> str:
    """The completion of a prompt that a student learns; `read_completion` reads it back."""
    opening = "" if prompt.rstrip().endswith("[Problem]") else "[Problem]\n"
    return f"{opening}{problem}\n\n[Solution]\n{solution}"


def last_boxed(text: str) -> str | None:
    r"""Content of the last `\boxed{...}` or `\fbox{...}` with matched braces, or the token after `\boxed `.

    None if there is no box, or if its braces do not match.
    """
    boxes = list(re.finditer(r"\\(?:boxed|fbox)(?:\s*(\{)|\s+([^\s{}$.,]+))", text))
    if not boxes:
        return None
    if boxes[-1][1] is None:
        return boxes[-1][2]
    return _braced(text, boxes[-1].end())


def programs_of(solution: str) -> list[str]:
    """The programs in a canonical solution, in order."""
    return [found[1] for found in _PROGRAM.finditer(solution)]


_PROGRAM = re.compile(r"^```python\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def _parts(text: str) -> tuple[str, str]:
    """The texts of problem and solution between their marks."""
    problems, solutions = _marks("problem", text), _marks("solution", text)
    if not problems:
        raise _Broken("missing_problem", text)
    if not solutions:
        raise _Broken("missing_solution", text)
    if len(problems) > 1 or len(solutions) > 1:
        raise _Broken("repeated_marker", text[(problems[1:] or solutions[1:])[0].start() :])
    problem, solution = problems[0], solutions[0]
    if solution.start() < problem.start():
        raise _Broken("wrong_order", text)
    return (
        _stripped(text[problem.end() : solution.start()], "problem", text),
        _stripped(text[solution.end() :], "solution", text),
    )


def _marks(name: str, text: str) -> list[re.Match[str]]:
    """Marks of a part, in the strictest form that occurs: bracketed at the start of a line, bracketed
    anywhere, a heading, bold words, the first words of a line with a colon or alone.
    """
    word = _NAMES[name]
    bracketed = _bracketed(name)
    forms = (
        rf"^{_MARKUP}{bracketed}[*_`]*:?[*_]*",
        rf"{bracketed}[*_]*:?[*_]*",
        rf"^[ \t]*#{{1,6}}[ \t]*[*_]*{word}[ \t]*:?[*_]*:?[ \t]*$",
        rf"^[ \t]*(?:\*\*|__){word}[ \t]*:?(?:\*\*|__):?",
        rf"^[ \t]*{word}[ \t]*(?::|$)",
    )
    for form in forms:
        marks = list(re.finditer(form, text, re.IGNORECASE | re.MULTILINE))
        if marks:
            return marks
    return []


def _bracketed(name: str) -> str:
    return rf"\\?[\[<【]\s*[*_]*{_NAMES[name]}[*_]*\s*\\?[\]>】]"


def _stripped(part: str, name: str, text: str) -> str:
    """A part without closing tag and what follows it, and without rules or empty bold marks at its ends."""
    closing = rf"{_MARKUP}\\?[\[<]\s*(?:/\s*|end\s+(?:of\s+)?){_NAMES[name]}\s*\\?[\]>]"
    part = re.split(closing, part, maxsplit=1, flags=re.IGNORECASE)[0]
    lines = list(dropwhile(_ORNAMENT.fullmatch, part.strip().split("\n")))
    lines = list(dropwhile(_ORNAMENT.fullmatch, reversed(lines)))[::-1]
    part = unframed("\n".join(lines))
    if not part:
        raise _Broken(f"empty_{name}", text)
    return part


def _unfenced(text: str) -> str:
    """The content of a text that a model put into a single fence."""
    found = re.match(r"\s*```(?:markdown|md|text|latex|plaintext)?[ \t]*\n(.*)\Z", text, re.DOTALL)
    if not found or not _marks("problem", found[1].split("```", 1)[0]):
        return text
    return re.sub(r"\n```\s*\Z", "", found[1]) if _fences(found[1]) % 2 else found[1]


def _fences(text: str) -> int:
    return len(re.findall(r"^[ \t]*```", text, re.MULTILINE))


def _parsed(problem: str, solution: str, kind: str) -> ParsedProblem | Unusable:
    if _fences(solution) % 2:
        raise _Broken("open_fence", solution[solution.rindex("```") :])
    if kind == "cot":
        return ParsedProblem(problem, solution, last_boxed(solution), program=None, output=None)
    solution, program, output = _with_program(solution)
    return ParsedProblem(problem, solution, last_boxed(solution), program, output)


_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)```[ \t]*(?P<label>[\w+-]*)[ \t]*\n(?P<body>.*?)\n?^[ \t]*```[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_PROGRAM_LABELS = frozenset({"python", "py", "python3"})
_OUTPUT_LABELS = frozenset({"output", "text", "plaintext", "txt", "console", "stdout", ""})


def _with_program(solution: str) -> tuple[str, str, str]:
    """A tool solution in canonical form, its program and its output."""
    blocks = list(_BLOCK.finditer(solution))
    programs = [block for block in blocks if block["label"].lower() in _PROGRAM_LABELS]
    if not programs:
        # An unlabelled block before all others is meant as the program.
        programs = [block for block in blocks[:1] if not block["label"] and len(blocks) > 1]
    if not programs or not programs[0]["body"].strip():
        raise _Broken("tool_without_program", solution)
    if len(programs) > 1:
        raise _Broken("tool_with_two_programs", programs[1][0])
    program = programs[0]
    outputs = [
        block
        for block in blocks
        if block.start() > program.start() and block["label"].lower() in _OUTPUT_LABELS
    ]
    if not outputs or not outputs[0]["body"].strip():
        raise _Broken("tool_without_output", solution)
    output = outputs[0]
    canonical = "".join(
        (
            solution[: program.start()],
            _block("python", _body(program)),
            solution[program.end() : output.start()],
            _block("output", _body(output)),
            solution[output.end() :],
        )
    )
    return canonical, _body(program), _body(output)


def _block(label: str, body: str) -> str:
    return f"```{label}\n{body}\n```"


def _body(block: re.Match[str]) -> str:
    """The text of a block, without the indentation of a list."""
    return re.sub(rf"^{block['indent']}", "", block["body"], flags=re.MULTILINE).strip("\n")


def _braced(text: str, start: int) -> str | None:
    """Text from `start` to the brace that closes the one before `start`; escaped braces do not count."""
    depth = 1
    for found in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return text[start : start + found.start()].strip() or None
    return None


def _shortened(text: str) -> str:
    if len(text) <= EVIDENCE_CHARACTERS:
        return text
    half = EVIDENCE_CHARACTERS // 2
    return f"{text[:half]} ... {text[-half:]}"

"""The input of a training row: what a model reads before the solution (released code)."""

HEADINGS = {"cot": "Solution", "tool": "Code Solution"}
BEFORE_QUESTION = "## Question\n"
BEFORE_SOLUTION = {kind: f"\n\n## {heading}\n" for kind, heading in HEADINGS.items()}


def training_input(problem: str, kind: str) -> str:
    """The problem under its headings; the solution follows directly."""
    return f"{BEFORE_QUESTION}{problem}{BEFORE_SOLUTION[kind]}"

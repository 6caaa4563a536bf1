"""The input of a training row: what a model reads before the solution (released code)."""

HEADINGS = {"cot": "Solution", "tool": "Code Solution"}


def training_input(problem: str, kind: str) -> str:
    """The problem under its headings; the solution follows without anything between."""
    return f"## Question\n{problem}\n\n## {HEADINGS[kind]}\n"

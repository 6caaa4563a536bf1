"""The closed word lists that several tables share."""

LEVELS = ("grade", "middle", "high", "college", "amc8", "amc10", "amc12", "aime")
"""Eight levels of natural-language prompts: four stages of school, four contests (paper, method figure)."""

KINDS = ("cot", "tool")
"""Natural-language reasoning, or a program with its output."""

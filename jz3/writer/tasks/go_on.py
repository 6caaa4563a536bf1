r"""`Task: continue`: the rest of a solution whose program was run.

    Task: continue
    ...
    ### Solution so far
    (text, program, and what it printed)

    ### Rest of the solution

The answer is the last line that was printed; the key of the request draws how it is told.
"""

import re

from jz3.writer.draws import Draws
from jz3.writer.refusal import Refused

PRINTED = re.compile(
    r"^### Solution so far\n.*^```output\n(?P<output>[^`]*[^`\s][^`]*)\n```\s+### Rest of the solution\s*\Z",
    re.MULTILINE | re.DOTALL,
)
CLOSINGS = (
    "The answer is \\boxed{{{answer}}}.",
    "So the answer is \\boxed{{{answer}}}.",
    "The program gives the answer \\boxed{{{answer}}}.",
    "This is what was asked for: the answer is \\boxed{{{answer}}}.",
)


def go_on(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    found = PRINTED.search(prompt)
    if found is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'continue' has '### Solution so far' with what was printed at its end, and "
            "ends '### Rest of the solution'",
        )
    answer = found["output"].strip().splitlines()[-1].strip()
    return Draws(key).choice("closing", CLOSINGS).format(answer=answer)

"""SkillMention: a skill that a teacher named for a reference problem, and the concept it was merged into
(MASS).
"""

import dataframely as dy


class SkillMention(dy.Schema):
    problem_id = dy.String(primary_key=True)
    spelling = dy.String(primary_key=True)  # in lower case, the last word in the singular
    concept_id = dy.String(min_length=1)  # the skill that it was merged into

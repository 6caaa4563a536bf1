"""What a training needs to know, from the modules of the stages down to the Trainer's callback.

`jz3.lm.train.train` carries it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jz3.core.execution import Execution
from jz3.lm.blocks import Blocks
from jz3.lm.checkpoints import Checkpoints
from jz3.lm.plan import EpochEnd, OptimizerParams, Plan
from jz3.lm.ranks import Rank
from jz3.lm.schedule import Schedule

LOOP_VERSION = 2
"""Version of the training loop: another version may give other weights from the same inputs, so it does not
resume from checkpoints of an earlier one.
"""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a model is trained on, in which steps and how, and what the training leaves on disk.

    These fields decide the weights: `blocks`, `plan`, `schedule`, `optimizer`, `seed`, `rank`, and of
    `execution` the device, the threads and `training_batch`. The other fields never do.
    """

    what: str
    """Name of the training in the log, in errors and on the progress bar, such as `finetune`."""
    blocks: Blocks
    plan: Plan
    """Which of the blocks each step reads."""
    schedule: Schedule
    optimizer: OptimizerParams
    seed: int
    """The seed of dropout and of every other draw of torch."""
    execution: Execution
    """Threads, device, and how many blocks go through the model at once."""
    rank: Rank | None = None
    """This process among several; None if it trains alone."""
    keep: Mapping[int, Path] = field(default_factory=dict[int, Path])
    """Files for the weights after certain numbers of steps, by that number."""
    on_epoch_end: EpochEnd | None = None
    checkpoints: Checkpoints | None = None
    """With them, a killed training resumes from the last one; with None it starts again."""
    live: Path | None = None
    """Directory in which DVCLive notes loss, speed and memory; other trackers have their own places."""

"""Learning-rate schedules: the exact factor of the peak at step s (from 0) of T."""

import math

from pydantic import Field, model_validator

from jz3.core.params import Params


class WarmupCosine(Params):
    """s / W below W = warm_up x T; then half a cosine from 1 down to 0 just after the last step."""

    warm_up: float = Field(ge=0, lt=1)
    """Share of the steps in which the rate rises; 0 in the released code, whose base is already trained."""

    def __call__(self, step: int, steps: int) -> float:
        rising = self.warm_up * steps
        if step < rising:
            return step / rising
        return 0.5 * (1.0 + math.cos(math.pi * (step - rising) / (steps - rising)))


class WarmupStableDecay(Params):
    """s / W below W = warm_up x T; 1 until stable x T; then max(floor, (T - s) / ((1 - stable) x T))."""

    warm_up: float = Field(ge=0, lt=1)
    """Share of the steps in which the rate rises."""
    stable: float = Field(gt=0, lt=1)
    """Share of the steps after which the decay begins."""
    floor: float = Field(ge=0, le=1)
    """The lowest factor of the decay."""

    @model_validator(mode="after")
    def _ordered(self) -> "WarmupStableDecay":
        if self.warm_up > self.stable:
            raise ValueError(f"warm_up {self.warm_up} reaches beyond stable {self.stable}")
        return self

    def __call__(self, step: int, steps: int) -> float:
        if step < self.warm_up * steps:
            return step / (self.warm_up * steps)
        if step < self.stable * steps:
            return 1.0
        return max(self.floor, (steps - step) / ((1 - self.stable) * steps))

    def decay_step(self, steps: int) -> int:
        """Steps done when the decay begins."""
        return math.ceil(self.stable * steps)


Schedule = WarmupCosine | WarmupStableDecay
"""(step from 0, number of steps) -> factor of the peak learning rate."""

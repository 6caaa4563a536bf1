"""Optimizers of tiny trainings, apart from the tests that import torch."""

from jz3.lm.plan import MuonParams, OptimizerParams

OPTIMIZER = OptimizerParams(
    learning_rate=1e-2,
    weight_decay=0.1,
    beta1=0.9,
    beta2=0.95,
    epsilon=1e-8,
    gradient_clip=1.0,
    precision="fp32",
    muon=None,
)
MUON = OPTIMIZER.model_copy(update={"muon": MuonParams(learning_rate=0.02, momentum=0.95)})

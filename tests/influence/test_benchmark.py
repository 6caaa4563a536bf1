"""The GPU part of the influence benchmark works on any device."""

from benchmarks.influencing.large import Shape, on_device

TINY = Shape(hidden=16, layers=1, heads=2, mlp=32, vocabulary=50, rank=2, tokens=12, rows=8, at_once=4)


def test_the_passes_of_a_large_model_are_timed_on_any_device():
    figures = dict(on_device(TINY, "cpu"))
    weights = 50 * 16 + 4 * 16 * 16 + 3 * 16 * 32 + 3 * 16
    assert figures["gpu_weights"] == weights
    assert figures["gpu_examples_per_second"] > 0
    assert figures["gpu_share_not_forward_backward"] < 1
    hours = 100_000 * 4 * 7e9 / weights / figures["gpu_examples_per_second"] / 3600
    assert abs(figures["gpu_hours_7b"] / hours - 1) < 0.1

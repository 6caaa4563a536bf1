"""Engine `vllm`: offline generation on GPUs, the only module that imports vllm.

Prefix caching is on: prompts that begin with the same instructions share their cache. Each row has its own
seed; the text of a row may still differ between batches where rounding decides a draw. One engine runs on
`execution.worker_gpus` GPUs; several engines are several workers (jz3/workers).
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.generation.engine import Generated, GenerationRequest, ModelSource, Sampling
from jz3.generation.prompts import encode_prompts
from jz3.generation.stops import Decoder


class VllmEngine:
    """`vllm.LLM` over a model; started by the first `generate`."""

    def __init__(self, source: ModelSource, execution: Execution) -> None:
        self._source = source
        self._execution = execution
        self._llm: Any = None

    @property
    def identity(self) -> dict[str, str]:
        return {"engine": "vllm", "model": self._source.digest, "dtype": self._source.dtype}

    def generate(self, requests: Sequence[GenerationRequest], sampling: Sampling) -> list[Generated]:
        """A completion for each request, in order."""
        self._load()
        prompts = encode_prompts(self._llm.get_tokenizer(), [request.prompt for request in requests])
        context = int(self._llm.llm_engine.model_config.max_model_len)
        # vllm refuses a whole call for one prompt that fills the context.
        fitting = [place for place, prompt in enumerate(prompts) if len(prompt) < context]
        outputs = self._llm.generate(
            [{"prompt_token_ids": prompts[place]} for place in fitting],
            [_settings(requests[place], sampling) for place in fitting],
            use_tqdm=False,
        )
        decoder = Decoder(self._llm.get_tokenizer(), sampling.stop)
        written = {place: _generated(output, decoder) for place, output in zip(fitting, outputs, strict=True)}
        return [
            written.get(place, Generated("", "length", len(prompt), 0))
            for place, prompt in enumerate(prompts)
        ]

    def close(self) -> None:
        """Ends vLLM's processes, which hold the memory."""
        if self._llm is not None:
            self._llm.llm_engine.engine_core.shutdown()
            self._llm = None

    def _load(self) -> None:
        if self._llm is not None:
            return
        try:
            vllm: Any = import_module("vllm")
        except ImportError as error:
            raise UserError(
                f"engine vllm cannot be imported ({error}); the extra `vllm` was expected: it has an "
                f"environment of its own (constraints/vllm-gpu.txt). Use that, or set the stage's engine to transformers."
            ) from error
        source, execution = self._source, self._execution
        self._llm = vllm.LLM(
            model=source.path,
            revision=source.revision,
            trust_remote_code=False,
            dtype=source.dtype,
            tensor_parallel_size=max(execution.worker_gpus, 1),
            gpu_memory_utilization=execution.vllm_memory,
            enable_prefix_caching=True,
            max_num_seqs=execution.generation_batch,
            enforce_eager=execution.device
            == "cpu",  # compiling takes longer than a model for a CPU wins by it
        )


def _settings(request: GenerationRequest, sampling: Sampling) -> Any:  # noqa: ANN401 (vllm is an extra)
    vllm: Any = import_module("vllm")
    return vllm.SamplingParams(
        n=1,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        stop=sampling.stop,
        seed=request.seed,
    )


def _generated(output: Any, decoder: Decoder) -> Generated:  # noqa: ANN401 (vllm is an extra)
    """The text is decoded here: vllm leaves out a character that is cut off, the other engine does not."""
    completion = output.outputs[0]
    return Generated(
        text=decoder.text(list(completion.token_ids)),
        finish_reason=completion.finish_reason,
        prompt_tokens=len(output.prompt_token_ids),
        completion_tokens=len(completion.token_ids),
    )

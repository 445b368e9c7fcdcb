"""Running a network as fast as the machine allows, with the same numbers each time.

The reference is eager torch in float32. A compiled network states its precision, and :func:`agreement` measures how far
it is from the reference: within ``TOLERANCE``, or it should not be used. The same input in a batch of the same size
gives the same output bit for bit on the same machine with the same number of threads.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer import memory
from medtransfer.errors import EnvironmentFailure, PluginError
from medtransfer.inference.machine import Device, Precision, Runtime, cpu_has_bf16, has_openvino, import_openvino

TOLERANCE: Mapping[Precision, float] = {"fp32": 1e-3, "bf16": 5e-2}
"""The largest accepted :func:`agreement`. bfloat16 has 8 significant bits: 0.4 % at each rounding, and many layers."""


class CompiledNetwork(Protocol):
    """A network ready to run."""

    def __call__(self, batch: Tensor | NDArray[np.float32]) -> Tensor:
        """Map float32 (n, C, *spatial) to logits, float32 on the CPU; n is free, the rest is as in the example."""


def compile_network(
    network: nn.Module,
    example: Tensor,
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "fp32",
) -> CompiledNetwork:
    """Prepare a network for many predictions.

    Parameters
    ----------
    network
        Maps (n, C, *spatial) to one tensor of logits. It is put into evaluation mode and, for CUDA, moved there.
    example
        float32, (n, C, *spatial): a batch of the size of image that will come; its values do not matter. OpenVINO
        runs on as many threads as torch is set to when the network is compiled.
    device, runtime, precision
        As :func:`medtransfer.inference.machine.best_runtime` chooses them. OpenVINO runs on the CPU.

    Raises
    ------
    EnvironmentFailure
        When the machine lacks the runtime or bfloat16 arithmetic.
    PluginError
        When OpenVINO cannot convert the network; torch runs it then.
    """
    _require(device, runtime, precision)
    network.eval()
    if runtime == "openvino":
        return _OpenVinoNetwork(network, example, precision)
    return _TorchNetwork(network, example, device, precision)


def agreement(network: nn.Module, compiled: CompiledNetwork, example: Tensor) -> float:
    """Return the largest difference between the compiled network's logits and eager torch's in float32.

    Relative to the largest logit where that exceeds 1, else absolute.
    """
    here = next((parameter.device for parameter in network.parameters()), example.device)
    reference = compile_network(network, example, "cuda" if here.type == "cuda" else "cpu")(example)
    scale = max(1.0, float(reference.abs().max()))
    return float((compiled(example) - reference).abs().max()) / scale


class _TorchNetwork:
    def __init__(self, network: nn.Module, example: Tensor, device: Device, precision: Precision) -> None:
        self._device = device
        self._precision = precision
        # Graphics cards run convolutions on channels-last memory; on the CPU it would only reorder.
        channels_last = torch.channels_last if example.ndim == 4 else torch.channels_last_3d
        self._memory = channels_last if device == "cuda" else torch.contiguous_format
        self._network = network.to(device)
        if device == "cuda":
            self._network = self._network.to(memory_format=channels_last)

    def __call__(self, batch: Tensor | NDArray[np.float32]) -> Tensor:
        images = torch.as_tensor(batch, dtype=torch.float32, device=self._device)
        images = images.contiguous(memory_format=self._memory)
        exact = self._precision == "fp32"
        with (
            torch.inference_mode(),
            torch.autocast(self._device, torch.bfloat16, enabled=not exact),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=not exact),
        ):
            logits: Tensor = self._network(images)
        return logits.float().cpu()


class _OpenVinoNetwork:
    def __init__(self, network: nn.Module, example: Tensor, precision: Precision) -> None:
        openvino = import_openvino()
        model = _converted(network.cpu(), example.cpu())
        self._compiled = openvino.Core().compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
                "PERFORMANCE_HINT": "LATENCY",
                # A fixed number of threads in one stream sums in a fixed order.
                "NUM_STREAMS": "1",
                "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
            },
        )

    def __call__(self, batch: Tensor | NDArray[np.float32]) -> Tensor:
        images = np.ascontiguousarray(torch.as_tensor(batch).cpu().numpy(), dtype=np.float32)
        return torch.from_numpy(self._compiled(images)[0])


def _converted(network: nn.Module, example: Tensor) -> Any:
    """Convert a network for batches like the example, traced on the smallest of :func:`_traceable` that works."""
    failures = []
    for smaller in _traceable(example):
        try:
            model = _traced(network, smaller)
            _reshape(model, example, smaller)
        except _conversion_errors() as error:
            if memory.exhausted(error):
                raise
            failures.append(error)
        else:
            return model
    raise PluginError(
        "OpenVINO cannot convert this network.", code="runtime.convert", hint="Run it with torch instead."
    ) from failures[-1]


def _traceable(example: Tensor) -> Iterator[Tensor]:
    """Yield the batches to trace on: a volume of half the sides takes an eighth of the time and memory."""
    half = [side // 2 for side in example.shape[2:]]
    if len(half) == 3 and all(side % 2 == 0 for side in example.shape[2:]):
        yield example.new_zeros(*example.shape[:2], *half)
    yield example


def _traced(network: nn.Module, example: Tensor) -> Any:
    """Convert by OpenVINO's front end, without the second tracing by which ``openvino.convert_model`` checks itself."""
    frontends = import_openvino("openvino.frontend")
    decoders = import_openvino("openvino.frontend.pytorch.ts_decoder")
    with warnings.catch_warnings(), torch.no_grad():
        # torch announces the end of tracing, which OpenVINO relies on, and doubts branches that depend on shapes.
        warnings.simplefilter("ignore")
        decoder = decoders.TorchScriptPythonDecoder(
            network, example_input=(example,), trace_kwargs={"check_trace": False}
        )
        frontend = frontends.FrontEndManager().load_by_framework("pytorch")
        return frontend.convert(frontend.load(decoder))


def _reshape(model: Any, example: Tensor, traced: Tensor) -> None:
    """Give the model its real size, and make sure that no size was fixed by the tracing."""
    openvino = import_openvino()
    model.reshape({0: openvino.PartialShape([-1, *traced.shape[1:]])})
    before = model.output(0).partial_shape
    model.reshape({0: openvino.PartialShape([-1, *example.shape[1:]])})
    after = model.output(0).partial_shape
    scale = example.shape[2] // traced.shape[2]
    if [after[axis].get_length() for axis in range(2, len(after))] != [
        scale * before[axis].get_length() for axis in range(2, len(before))
    ]:
        raise ValueError("the output does not grow with the input")


def _conversion_errors() -> tuple[type[Exception], ...]:
    failure: type[Exception] = import_openvino("openvino.frontend").OpConversionFailure
    return RuntimeError, TypeError, ValueError, failure


def _require(device: Device, runtime: Runtime, precision: Precision) -> None:
    if runtime == "openvino" and (device != "cpu" or not has_openvino()):
        raise EnvironmentFailure(
            "OpenVINO is not installed, or was asked to run on a graphics card.",
            code="runtime.openvino",
            hint="Use the torch runtime, or install OpenVINO and run on the CPU.",
        )
    if device == "cuda" and not torch.cuda.is_available():
        raise EnvironmentFailure(
            "This machine has no graphics card that torch can use.", code="runtime.cuda", hint="Run on the CPU."
        )
    if precision == "bf16" and device == "cpu" and not cpu_has_bf16():
        raise EnvironmentFailure(
            "This processor has no bfloat16 arithmetic.", code="runtime.bf16", hint="Use the precision fp32."
        )

"""Size and work of a whole graph: the sum of its layers."""

from collections.abc import Sequence

from profiler.records.complexity import Complexity, Layer


def sum_layers(layers: Sequence[Layer], file_bytes: int) -> Complexity:
    """The whole, whose work is unknown where that of a layer is."""
    known = [layer.macs for layer in layers if layer.macs is not None]
    macs = sum(known) if len(known) == len(layers) else None
    return Complexity(
        parameters=sum(layer.parameters for layer in layers),
        macs=macs,
        flops=None if macs is None else 2 * macs,
        file_bytes=file_bytes,
        reasons=next((pick(layer.reasons) for layer in layers if layer.macs is None), {}),
    )


def pick(reasons: dict[str, str]) -> dict[str, str]:
    """Why a layer's work is unknown."""
    return {name: reason for name, reason in reasons.items() if name in ("macs", "flops")}

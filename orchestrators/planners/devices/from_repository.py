"""Devices from a repository: the targets on which a variant was measured."""

from collections.abc import Mapping, Sequence

from orchestrators.planners.common import MS_PER_S
from orchestrators.planners.devices.problem import Device
from porting.repository import Repository
from porting.repository.variant_on_target import VariantOnTarget
from profiler.common.errors import BadInputError
from profiler.records.fit import Fit

FORM = "linear in batch"


# The names of targets, or for each the number of identical devices, null for one device under the target's own name.
Targets = Sequence[str] | Mapping[str, int | None] | None


def devices(
    repository: Repository, variant: str, targets: Targets = None, max_runs: int | None = None, load: bool = True
) -> list[Device]:
    """The variant on each of the named targets, by default on all where it was measured.

    Raises `BadInputError` for an unknown variant or target, and where a target lacks the fit of latency over the batch
    or the first inference after a load by batch, or with `load` the load time.
    """
    wanted = list(repository.variant(variant).targets) if targets is None else targets
    counts = wanted.items() if isinstance(wanted, Mapping) else [(target, None) for target in wanted]
    return [device(repository.on(variant, target), count, max_runs, load) for target, count in counts]


def device(one: VariantOnTarget, count: int | None, max_runs: int | None, load: bool) -> Device:
    """The device with the variant's published fit of the latency and its interpolated first inferences.

    Predicted first inferences and load times count where none was measured. With `load` the published load time comes
    before the first inference.
    """
    fit, known = latency_fit(one), one.first_inference_batches()
    fitted, target = fit.domain["batch"], one.profile.target_name
    largest = int(min(fitted.high, known[-1]))
    if max(fitted.low, known[0]) > 1 or largest == 1:
        raise BadInputError(
            f"{one.name} has a fit of the latency on batches of {fitted.low:g} to {fitted.high:g} and first inferences "
            f"on {known[0]} to {known[-1]}, and both are needed from 1 to more than 1: a run with profile=full "
            f"target={target} measures them"
        )
    first_s = [one.first_inference_s(batch) for batch in range(1, largest + 1)]
    return Device(
        name=target,
        count=count,
        load_s=one.load_s() if load else 0.0,
        seconds_per_item=fit.coefficients["slope"].value / MS_PER_S,
        overhead_s=fit.coefficients["intercept"].value / MS_PER_S,
        warm_up_s=lambda batch: first_s[batch - 1],
        max_batch=largest,
        max_runs=max_runs,
    )


def latency_fit(one: VariantOnTarget) -> Fit:
    """The fit of the latency on the target's own resources, preferably of the server of the first inferences."""
    profile = one.profile
    own = profile.target.resources
    wanted = {"cores": own.cores, "threads": own.threads, "instances": own.instances, "concurrency": 1}
    sizes = [list(point.input_shape) for point in profile.latency[:1]]
    fits = [
        fit
        for fit in profile.fits
        if fit.form == FORM
        and all(fit.conditions[name] == value for name, value in wanted.items())
        and fit.conditions["input_shape"] in sizes
    ]
    if not fits:
        reasons = [no.reason for no in profile.refused_fits if no.form == FORM]
        why = reasons[0] if reasons else "it was not measured on the target's own resources"
        raise BadInputError(
            f"{one.name} has no fit of the latency over the batch on {profile.target_name} ({why}): a run with "
            f"profile=full target={profile.target_name} on at least three batch sizes gives one"
        )
    served = {point.runtime for point in profile.own(profile.first_inference)}
    return max(fits, key=lambda fit: fit.conditions["runtime"] in served)

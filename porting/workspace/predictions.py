"""The warm-up predictors of a workspace: their data, their files, and their times for what no load measured."""

import os
from collections.abc import Iterator

from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace
from profiler.common.errors import BadInputError, ModelError
from profiler.common.files import read_record
from profiler.records.profile import Profile
from profiler.records.warm_up import PredictedTime
from profiler.warm_up.dataset import TIMES, Measured
from profiler.warm_up.features import features
from profiler.warm_up.predictor import TargetPredictors, TimePredictor


def measured(workspace: Workspace) -> dict[str, list[tuple[Variant, Measured]]]:
    """Every profiled variant by target; raises `BadInputError` where two machines have one name."""
    found: dict[str, list[tuple[Variant, Measured]]] = {}
    for variant in (one for task in workspace.tasks() for one in workspace.variants(task)):
        for target, profile in workspace.profiles(variant).items():
            others = found.setdefault(target, [])
            others.append((variant, Measured(variant.name, variant.backbone, profile)))
            if others[0][1].profile.fingerprint != profile.fingerprint:
                raise BadInputError(
                    f"target {target} was measured on different machines or settings ({variant.name} differs): "
                    f"profile all variants again with stage=profile target={target}"
                )
    return found


def stored(workspace: Workspace, target: str) -> TargetPredictors | None:
    """The predictors of a target, `None` where none was trained; raises `BadInputError` for a damaged file."""
    path = workspace.predictors(target)
    if not os.path.lexists(path):
        return None
    found = read_record(path, TargetPredictors, again(target))
    if found.target_name != target:
        raise BadInputError(f"{path} holds the predictors of target {found.target_name}: {again(target)}")
    return found


def again(target: str) -> str:
    """The fix for predictors that cannot be used."""
    return f"train them again with dnn-porting warm-up train --target {target}, or remove the file"


def with_predictions(found: TargetPredictors | None, variant: Variant, profile: Profile) -> Profile:
    """The profile with the predicted times that no load measured; raises `BadInputError` for another machine's."""
    if found is not None and found.fingerprint != profile.fingerprint:
        raise BadInputError(
            f"the warm-up predictors of target {profile.target_name} are of another machine or server than the profile "
            f"of {variant.name}: {again(profile.target_name)}"
        )
    predictors = () if found is None else found.predictors
    times = tuple(time for one in predictors for time in predicted(one, variant, profile))
    return profile.model_copy(update={"predicted": times})


def predicted(predictor: TimePredictor, variant: Variant, profile: Profile) -> Iterator[PredictedTime]:
    """The times of a quantity that the profile lacks, by batch; nothing for a network of unknown size."""
    known = TIMES[predictor.quantity](profile)
    for batch in predictor.batches:
        if batch not in known:
            try:
                found = features(profile, batch)
            except ModelError:
                return
            of_batch = batch if predictor.quantity == "first_inference_ms" else None
            one = predictor.predict(found, variant.backbone, of_batch)
            if one is not None:
                yield one

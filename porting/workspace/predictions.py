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


def with_predictions(workspace: Workspace, variant: Variant, profile: Profile) -> Profile:
    """The profile with the predicted times of its target's predictors; a measured time has no prediction.

    Raises `BadInputError` for a damaged file of predictors, and for one of another machine.
    """
    path = workspace.predictors(profile.target_name)
    found: tuple[PredictedTime, ...] = ()
    if os.path.lexists(path):
        fix = f"train it again with dnn-porting warm-up train --target {profile.target_name}, or remove it"
        stored = read_record(path, TargetPredictors, fix)
        if (stored.target_name, stored.fingerprint) != (profile.target_name, profile.fingerprint):
            raise BadInputError(f"{path} is of another machine or server than the profile of {variant.name}: {fix}")
        found = tuple(one for predictor in stored.predictors for one in predicted(predictor, variant, profile))
    return profile.model_copy(update={"predicted": found})


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

"""The command warm-up: trains the predictors of a workspace, and chooses features of the monitor."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from porting.common.console import say, table
from porting.workspace.predictions import measured
from porting.workspace.records import Variant
from porting.workspace.workspace import Workspace
from profiler.common.archives import Samples
from profiler.common.errors import BadInputError
from profiler.common.files import write_record
from profiler.records.profile_files import owner
from profiler.warm_up.dataset import TIMES, Measured
from profiler.warm_up.feature_choice import FIX, select
from profiler.warm_up.predictor import Errors, PredictionScore, TargetPredictors
from profiler.warm_up.training import train

SHOWN_FEATURES = 15
COLUMNS = ["model", *(f"{error}, held-out {by}" for by in ("variants", "backbones") for error in ("CVRMSE", "MAPE"))]


def run(arguments: Sequence[str]) -> None:
    """Trains the predictors of load times and first inferences, or chooses features of the monitor."""
    parser = argparse.ArgumentParser(prog="dnn-porting warm-up", description=run.__doc__)
    parser.add_argument("work", choices=("train", "select"))
    parser.add_argument("--workspace", type=Path, default=Path("artifacts"))
    parser.add_argument("--target", help="default: every target with a profile")
    options = parser.parse_args(arguments)
    workspace = Workspace(options.workspace)
    found = measured(workspace)
    if not found:
        raise BadInputError(f"nothing in {workspace.root} is profiled: run stage=profile profile=full first")
    if options.target not in (None, *found):
        raise BadInputError(f"no profile on target {options.target!r}: choices are {', '.join(sorted(found))}")
    targets = [options.target] if options.target else sorted(found)
    for target in targets:
        if options.work == "train":
            train_target(workspace, target, [one for _, one in found[target]])
        else:
            select_features(workspace, target, found[target])


def train_target(workspace: Workspace, target: str, variants: Sequence[Measured]) -> None:
    """Trains and writes the predictors of a target, and prints their errors beside those of simpler models."""
    predictors = []
    for quantity in TIMES:
        try:
            predictors.append(train(variants, quantity))
        except BadInputError as error:
            say(f"{target}: {error}")
    if not predictors:
        raise BadInputError(f"no predictor of {target} could be trained")
    for one in predictors:
        show_errors(f"{target}: {one.quantity}, {one.rows} rows", one.errors)
        say(f"published: {next(iter(one.errors))}")
    path = workspace.predictors(target)
    path.parent.mkdir(exist_ok=True)
    fingerprint = variants[0].profile.fingerprint
    write_record(path, TargetPredictors(target_name=target, fingerprint=fingerprint, predictors=tuple(predictors)))
    say(f"predictors of {target} in {path}: stage=publish adds their times where no load was measured")


def show_errors(title: str, found: Mapping[str, Errors]) -> None:
    """Prints the errors of every model with variants and with backbones held out, or why they are unknown."""
    rows = [[model, *percentages(one.by_variant), *percentages(one.by_backbone)] for model, one in found.items()]
    table(title, COLUMNS, rows)
    for reason in dict.fromkeys(reason for errors in found.values() for reason in errors.reasons.values()):
        say(reason)


def percentages(score: PredictionScore | None) -> list[str]:
    """Both errors in percent, empty where they are unknown."""
    return ["", ""] if score is None else [f"{score.cvrmse_share:.1%}", f"{score.mape_share:.1%}"]


def select_features(workspace: Workspace, target: str, found: Sequence[tuple[Variant, Measured]]) -> None:
    """Prints the most important features before first inferences, and the errors of forests with some of them."""
    selection = select(monitored(workspace, target, found))
    rows = [[name, f"{share:.3f}"] for name, share in list(selection.importance.items())[:SHOWN_FEATURES]]
    table(f"{target}: importance of {len(selection.importance)} features in {selection.rows} first inferences",
          ["feature", "share of the splits"], rows)  # fmt: skip
    say(f"chosen: {', '.join(selection.chosen)}")
    if selection.unknown:
        say(f"{len(selection.unknown)} features are left out, as a first inference has no value of them")
    show_errors(f"{target}: forests, each first inference", selection.errors)


def monitored(
    workspace: Workspace, target: str, found: Sequence[tuple[Variant, Measured]]
) -> Iterator[tuple[Measured, Samples]]:
    """Each profile on a target with its samples; raises `BadInputError` for the samples of another profile."""
    for variant, one in found:
        files = workspace.profile_files(variant, target)
        whose, samples = files.read_samples()
        if whose not in ("", owner(one.profile)):
            raise BadInputError(f"{files.samples} holds the samples of another profile: {FIX}")
        yield one, samples

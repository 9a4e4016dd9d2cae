"""The kinds of files in a workspace and beside it, and the commands that read each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

VARIANT, RELEASE = "base/tasks/*/variants", "base/.repository-*"
READERS = ("select", "compare", "plan", "simulate", "lint", "convert", "verify", "serve", "others", "orchestrate")
# These commands compare every file of a published variant with its digest before the first use.
HOLDING = ("lint", "convert", "verify", "serve", "others", "orchestrate")
# An orchestrator makes configurations itself, and checks the other files only of the variants that it loads.
ALL_HOLDING = ("lint", "convert", "verify", "serve", "others")


@dataclass(frozen=True)
class Kind:
    """Files of one kind: their places and their commands; the commands in `must` must not ignore damage.

    `base` is the workspace, `cut` a workspace with an interrupted training, `box` the files of the box that profiles
    for the workspace. `which` chooses among the files of the pattern, and the next file is the other one of its kind.
    The outcome of `measured` files differs each time they are made again. An `input` is a file of the user without a
    stored digest: another valid one is another input.
    """

    name: str
    pattern: str
    commands: Sequence[str]
    must: Sequence[str] = ()
    which: int = 0
    measured: bool = False
    input: bool = False


KINDS = (
    Kind("variant.json", f"{VARIANT}/*-tuned-????????/variant.json",
         ("all", "publish", "published anew", "profile", "prune", "quantize", "adopt")),
    Kind("config.yaml", f"{VARIANT}/*-tuned-????????/config.yaml", ("all", "publish")),
    Kind("model.safetensors", f"{VARIANT}/*-tuned-????????/model.safetensors",
         ("all", "publish", "published anew", "prune", "quantize")),
    Kind("model.safetensors of the base", f"{VARIANT}/digits-resnet8-????????/model.safetensors", ("all", "prune")),
    Kind("manifest.json", f"{VARIANT}/*-tuned-????????/manifest.json", ("all", "publish", "published anew", "prune")),
    Kind("model.onnx", f"{VARIANT}/*-tuned-????????/model.onnx",
         ("all", "publish", "published anew", "profile", "more points", "quantize")),
    Kind("model.pt", f"{VARIANT}/*-tuned-????????/model.pt", ("all", "publish", "published anew")),
    Kind("predictions.npz", f"{VARIANT}/*-tuned-????????/predictions.npz",
         ("all", "publish", "published anew", "quantize")),
    Kind("profiles/*.json", f"{VARIANT}/*-tuned-????????/profiles/*.json",
         ("all", "publish", "published anew", "profile", "more points", "adopt")),
    Kind("samples/*.npz", f"{VARIANT}/*-tuned-????????/samples/*.npz", ("publish", "profile", "more points", "adopt")),
    Kind("operators/*.json", "wide/operators/*.json", ("prune by operators",), measured=True),
    Kind("task .lock", "base/tasks/*/.lock", ("all", "adopt")),
    Kind(".publish.lock", "base/.publish.lock", ("publish",)),
    Kind("mlflow.db", "base/mlflow.db", ("all", "tracked publish")),
    Kind("mlartifacts", "base/mlartifacts/*/artifacts/*", ("tracked publish",)),
    Kind("repository (link)", "base/repository", ("all", "publish", "select", "serve")),
    Kind("repository.json", f"{RELEASE}/repository.json", (*READERS, "publish", "all"), (*READERS, "publish", "all")),
    Kind("VARIANT/variant.json", f"{RELEASE}/*/variant.json", (*READERS, "publish"), (*HOLDING, "publish")),
    Kind("N/model.onnx", f"{RELEASE}/*/[0-9]*/model.onnx", ("select", *HOLDING, "publish"), (*HOLDING, "publish")),
    Kind("config.pbtxt", f"{RELEASE}/*/config.pbtxt", (*HOLDING, "publish"), (*ALL_HOLDING, "publish")),
    Kind("configs/*.pbtxt", f"{RELEASE}/*/configs/*.pbtxt", (*HOLDING, "publish"), (*ALL_HOLDING, "publish")),
    Kind("labels.txt", f"{RELEASE}/*/labels.txt", (*HOLDING, "publish"), (*ALL_HOLDING, "publish")),
    Kind("warmup/example", f"{RELEASE}/*/warmup/example", (*HOLDING, "publish"), (*ALL_HOLDING, "publish")),
    Kind("report.html", f"{RELEASE}/report.html", ("publish", "select", "lint")),
    Kind("repository.schema.json", f"{RELEASE}/repository.schema.json", ("publish", "select", "lint")),
    Kind("frontier.png", f"{RELEASE}/frontier.png", ("publish", "select", "lint")),
    Kind("request.json", "box/request.json", ("profiler",), input=True),
    Kind("model.onnx of the box", "box/model.onnx", ("profiler",), input=True),
    Kind("profile.json", "box/profile.json", ("profiler goes on", "adopt brought")),
    Kind("profile.npz", "box/profile.npz", ("profiler goes on", "adopt brought")),
    Kind("trace", "box/requests.txt", ("simulate a trace",), input=True),
)  # fmt: skip
# The files that an interrupted training left.
TRAINING = "cut/tasks/*/trainings/*/*"
# A command that starts a server takes seconds longer than the others, and a computing command some seconds.
SERVERS = ("serve", "orchestrate")
HEAVY = ("all", "prune", "quantize", "more points", "prune by operators", "verify", "others", "tracked publish")
LEFT_OUT = {
    **dict.fromkeys(SERVERS, ("flip early", "flip late", "unreadable", "folder")),
    **dict.fromkeys(HEAVY, ("flip early", "flip late")),
}

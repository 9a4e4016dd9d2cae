"""The commands that read a workspace, a repository or the files of a box, on the copy of a case."""

import json
import shutil
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
from watched_commands import SUPPORT, Command

IN_PROCESS = "targets.local_cpu.runtime=onnxruntime"
BATCHES = ("profile.throughput.batches=[1,4]",)
ARGUMENTS = [one for one in SUPPORT.SMALL if "throughput.batches" not in one] + [*BATCHES, IN_PROCESS]
UNTRACKED = "tracking.enabled=false"
TARGET = "local_cpu"
TRACE = "".join(f"{5 + index % 7}\n" for index in range(30))
HTTP_PORT, SERVE_LIMIT_S = 18000, 10.0


def staged(stage: str, *more: str, tracked: bool = False) -> Callable[[Path], Command]:
    """A run of stages over the workspace."""

    def command(case: Path) -> Command:
        tracking = () if tracked else (UNTRACKED,)
        return Command([*ARGUMENTS, f"stage={stage}", *more, *tracking, f"workspace={case / 'base'}"])

    return command


def verb(*words: str) -> Callable[[Path], Command]:
    """A command whose words {repository}, {other}, {base} and {box} stand for places of the case."""

    def command(case: Path) -> Command:
        places = {
            "repository": str(case / "base" / "repository"), "other": str(case / "other" / "repository"),
            "base": str(case / "base"), "box": str(case / "box"),
        }  # fmt: skip
        return Command([word.format(**places) for word in words])

    return command


def profiler(*more: str) -> Callable[[Path], Command]:
    def command(case: Path) -> Command:
        box = case / "box"
        return Command([str(box / "model.onnx"), str(box / "request.json"), *more], module="profiler")

    return command


def goes_on(case: Path) -> Command:
    """The profiler with an existing profile, and a request with one more batch."""
    request = json.loads((case / "box" / "request.json").read_text())
    request["settings"]["latency"]["batches"] += [2]
    (case / "box" / "request.json").write_text(json.dumps(request))
    return profiler("--output", str(case / "box" / "profile.json"))(case)


def published_first(case: Path) -> Command:
    """The stage publish without an earlier publication."""
    (case / "base" / "repository").unlink()
    for folder in (case / "base").glob(".repository-*"):
        shutil.rmtree(folder)
    return staged("publish")(case)


def resumed(case: Path) -> Command:
    return Command([*cut_arguments(case / "cut"), UNTRACKED])


def cut_arguments(workspace: Path) -> list[str]:
    """A training of a few epochs."""
    return [*ARGUMENTS, "stage=train", "train.epochs=4", "train.patience=9", f"workspace={workspace}"]


def by_operators(case: Path) -> Command:
    """Pruning to a latency that the table of operators predicts."""
    return Command(operators_arguments(case, "prune", 0.7))


def operators_arguments(folder: Path, stage: str, share: float) -> list[str]:
    """A network that is wide enough for blocks of 16 channels, which some processors use."""
    settings = ["train.epochs=1", "pruner=taylor", "prune.scoring_batches=1", "prune.ratios=[]",
                "prune.latency_batch=4", "backbone.width=2", f"prune.latency_shares=[{share}]"]  # fmt: skip
    return [f"stage={stage}", *settings, UNTRACKED, IN_PROCESS, f"workspace={folder / 'wide'}"]


def serve(case: Path) -> Command:
    words = ("serve", "{repository}", "--target", TARGET, "--http-port", str(HTTP_PORT), "--grpc-port", "18001")
    made = verb(*words)(case)
    names = sorted(path.parent.name for path in (case / "base" / "repository").glob("*/config.pbtxt"))
    return Command(made.arguments, until="Ctrl-C stops", ask=lambda: asked_served(names))


def asked_served(names: list[str]) -> str:
    """The answer of each variant to one picture, with the label."""
    picture = np.random.default_rng(0).standard_normal((1, 1, 32, 32)).astype(np.float32)
    tensor = {"name": "input", "datatype": "FP32", "shape": list(picture.shape), "data": picture.ravel().tolist()}
    output = {"name": "logits", "parameters": {"classification": 1}}
    body = json.dumps({"inputs": [tensor], "outputs": [output]}).encode()
    answers = []
    for name in names:
        url = f"http://127.0.0.1:{HTTP_PORT}/v2/models/{name}/infer"
        deadline = time.monotonic() + SERVE_LIMIT_S
        while True:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, body), timeout=5) as answer:
                    answers.append(f"{name} {json.loads(answer.read())['outputs'][0]['data']}")
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    answers.append(f"{name} {error}")
                    break
                time.sleep(0.2)
    return "\n".join(answers)


def others(case: Path) -> Command:
    arguments = ["stage=publish", f"publish.merge_from=[{case / 'base' / 'repository'}]", UNTRACKED]
    return Command([*arguments, f"workspace={case / 'merging'}"])


COMMANDS: dict[str, Callable[[Path], Command]] = {
    "all": staged("all"),
    "publish": staged("publish"),
    "published anew": published_first,
    "tracked publish": staged("publish", tracked=True),
    "profile": staged("profile"),
    "more points": staged("profile", "profile.latency.batches=[1,2,4]"),
    "prune": staged("prune", "prune.ratios=[0.25]", "pruner=[l1]"),
    "quantize": staged("quantize", "quantize.schemes=[s8s8]"),
    "prune by operators": by_operators,
    "resumed training": resumed,
    "select": verb("select", "{repository}", "--objective", "images_per_s"),
    "compare": verb("compare", "{other}", "{repository}"),
    "plan": verb("plan", "planner=[sponge,trivial]", "repository={repository}", "demand_rps=20", "output=plan.json"),
    "simulate": verb(
        "simulate", "repository={repository}", "load={{mean_rps: 20, seconds: 10}}", "policy=largest", "output=out"
    ),
    "simulate a trace": verb(
        "simulate", "repository={repository}", "load.trace={box}/requests.txt", "policy=largest", "output=out"
    ),
    "lint": verb("lint", "{repository}"),
    "convert": verb(
        "convert", "{repository}", "kserve", "--target", TARGET, "--output", "out", "--storage-uri", "s3://bucket/models"
    ),
    "verify": verb("verify", "{repository}", "--variants", "9"),
    "serve": serve,
    "others": others,
    "orchestrate": verb(
        "orchestrate", "repository={repository}", "load={{mean_rps: 5, seconds: 2}}", "policy=smallest", "output=out"
    ),
    "adopt": verb("adopt", "{box}/profile.json", "--workspace", "{base}"),
    "adopt brought": verb("adopt", "{box}/profile.json", "--workspace", "{base}"),
    "profiler": profiler("--output", "new.json"),
    "profiler goes on": goes_on,
}  # fmt: skip

"""MLflow's model registry: a task is a registered model, a published ONNX file one of its versions."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from porting.repository import Repository
from porting.repository.figures import compared_by, rank_value
from porting.repository.schema import Published
from porting.repository.standing import RANKED_BY, RANKED_SINGLE
from porting.repository.variant_files import VariantFiles
from porting.tracking.mlflow_errors import one_line_errors
from porting.tracking.runs import experiment_id, quieten_mlflow
from porting.tracking.tracked_values import tracked_key
from profiler.common.scratch import scratch

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

MODEL = "model.onnx"


def register(repository: Repository, uri: str) -> list[str]:
    """Registers every published variant with the MLflow at `uri`, and returns the names of the new ones.

    A variant with another ONNX file is another version; the tags of a registered version are updated. For each target
    the aliases `most-accurate-<target>` and `fastest-<target>` name the ends of the task's frontier, and
    `fastest-single-<target>` the fastest one for single requests. Raises `BadInputError` for a file that is not the
    indexed one, and `DnnPortingError` where MLflow fails.
    """
    with registry(uri) as client:
        return [name for task in repository.tasks for name in register_task(client, uri, repository, task)]


def register_task(client: "MlflowClient", uri: str, repository: Repository, task: str) -> list[str]:
    """Registers the variants of one task, then moves the aliases; returns the names of the new ones."""
    experiment = prepare_task(client, uri, task)
    versions, new = {}, []
    for variant in (one for one in repository.variants if one.task == task):
        number = registered(client, variant)
        if number is None:
            files = VariantFiles.of(repository, variant.name)
            number = add(client, experiment, variant, files.read(files.model))
            new.append(variant.name)
        for key, value in tags(variant).items():
            client.set_model_version_tag(task, number, key, value)
        versions[variant.name] = number
    for alias, name in aliases(repository, task).items():
        if name is None:
            client.delete_registered_model_alias(task, alias)
        else:
            client.set_registered_model_alias(task, alias, versions[name])
    return new


def aliases(repository: Repository, task: str) -> dict[str, str | None]:
    """The variant of each alias, `None` where no variant has a rank.

    Throughputs are compared by their ratios to the reference network. Of equal variants it is the better in the other
    metric.
    """
    found = {}
    measured = {target for variant in repository.variants if variant.task == task for target in variant.targets}
    for target in sorted(measured):
        best = best_first(repository, task, target, RANKED_BY)
        known = [place for place in best if place[2].validation_accuracy is not None]
        single = best_first(repository, task, target, RANKED_SINGLE)
        found[f"most-accurate-{target}"] = max(known, key=lambda place: (place[1], place[0]))[2].name if known else None
        found[f"fastest-{target}"] = best[0][2].name if best else None
        found[f"fastest-single-{target}"] = single[0][2].name if single else None
    return found


def best_first(
    repository: Repository, task: str, target: str, metrics: tuple[str, str]
) -> list[tuple[float, float, Published]]:
    """The frontier of accuracy and a throughput with its sort keys, throughput and accuracy, the fastest first."""
    places = [
        (rank_value(compared_by(metrics[1]), one.targets[target].figures), accuracy(one), one)
        for one in repository.frontier(task, target, metrics)
    ]
    return sorted(places, key=lambda place: place[:2], reverse=True)


def accuracy(variant: Published) -> float:
    """The validation accuracy as a sort key; an unknown one comes last."""
    return variant.validation_accuracy.value if variant.validation_accuracy else -1.0


def tags(variant: Published) -> dict[str, str]:
    """The tags of a version; figures have the same keys as in the tracked runs."""
    found = {
        "variant": variant.name,
        "onnx_sha256": variant.onnx_sha256,
        "repository_version": str(variant.version),
        "precision": variant.precision,
    }
    for measured in (variant.validation_accuracy, variant.test_accuracy):
        if measured is not None:
            found[f"accuracy/{measured.split}"] = str(measured.value)
    return found | {
        tracked_key(target, name, standing.batch): str(standing.figures[name][0])
        for target, standing in variant.targets.items()
        for name in ("images_per_s", "single_images_per_s")
        if name in standing.figures
    }


def registered(client: "MlflowClient", variant: Published) -> str | None:
    """The version with the ONNX file of this variant, or `None`."""
    found = client.search_model_versions(
        f"name = '{variant.task}' and tags.variant = '{variant.name}' and tags.onnx_sha256 = '{variant.onnx_sha256}'"
    )
    return str(found[0].version) if found else None


def add(client: "MlflowClient", experiment: str, variant: Published, content: bytes) -> str:
    """Adds a version with an exact copy of the repository's file, and returns its number."""
    with warnings.catch_warnings():
        # mlflow.pyfunc warns of its own types at its import.
        warnings.filterwarnings("ignore", message=".*inferred as AnyType")
        import mlflow.onnx
        import mlflow.pyfunc
        from mlflow.models import Model
    import onnx

    logged = logged_model(client, experiment, variant)
    with scratch("registry") as made:
        folder = made.folder / "model"
        mlflow.onnx.save_model(
            onnx.load_model_from_string(content),
            folder,
            mlflow_model=Model(model_id=logged.model_id, model_uuid=logged.model_id),
            # Without requirements MLflow would load the model in another process to find them.
            pip_requirements=mlflow.onnx.get_default_pip_requirements(),
            save_as_external_data=False,
        )
        (folder / MODEL).write_bytes(content)
        client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    version = client.create_model_version(
        variant.task, f"models:/{logged.model_id}", model_id=logged.model_id, tags=tags(variant)
    )
    return str(version.version)


def logged_model(client: "MlflowClient", experiment: str, variant: Published) -> "LoggedModel":
    """The logged model to fill: an unfinished one of the same file from a killed run, or else a new one."""
    same = f"name = '{variant.name}' AND tags.onnx_sha256 = '{variant.onnx_sha256}'"
    begun = client.search_logged_models([experiment], filter_string=same)
    if begun:
        return begun[0]
    return client.create_logged_model(experiment, name=variant.name, tags={"onnx_sha256": variant.onnx_sha256})


@contextmanager
def registry(uri: str) -> Iterator["MlflowClient"]:
    """A client; raises `DnnPortingError` where MLflow fails."""
    quieten_mlflow()
    import mlflow

    # MLflow stores its address in this variable too.
    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        with one_line_errors(uri, "models", "publish.mlflow_registry=false"):
            # A registry in a database looks logged models up at the global address, not at that of the client.
            mlflow.set_tracking_uri(uri)
            yield mlflow.MlflowClient()
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]


def prepare_task(client: "MlflowClient", uri: str, task: str) -> str:
    """Makes the registered model and the experiment of a task where needed, and returns the experiment's id."""
    if not client.search_registered_models(f"name = '{task}'"):
        client.create_registered_model(task)
    return experiment_id(client, uri, task)

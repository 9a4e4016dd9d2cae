"""The runs of MLflow: a parent for each pipeline and a child for each variant, with its known figures."""

import logging
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from porting.configuration.settings import Settings
from porting.jobs.context import needs_the_extra
from porting.repository import Repository
from porting.tracking.database_file import ensure_database
from porting.tracking.database_schema import SQLITE, artifacts_address, database_of
from porting.tracking.maintenance import end_killed, update_addresses
from porting.tracking.mlflow_errors import OFF, CheckedClient, one_line_errors
from porting.tracking.tracked_values import hyper_parameters, places, tracked_figures
from porting.workspace.records import Epoch, Variant
from profiler.common.errors import BadInputError, DnnPortingError
from profiler.common.scratch import scratch
from profiler.records.profile import Profile

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
PARENT_TAG = "mlflow.parentRunId"
# The limits of MLflow for one call and for one value.
MOST_PARAMETERS, LONGEST_PARAMETER = 100, 6000


class MlflowTracker:
    """The tracker that writes to the MLflow experiment of the task."""

    def __init__(self, client: "MlflowClient", experiment: str, parent: str, parameters: dict[str, str]) -> None:
        self._client, self._experiment, self._parent = client, experiment, parent
        self._parameters = parameters
        self._children: dict[str, str] = {}
        self._open: set[str] = set()

    def _child(self, name: str) -> str:
        if name not in self._children:
            run = self._client.create_run(self._experiment, tags={PARENT_TAG: self._parent}, run_name=name)
            self._children[name] = run.info.run_id
            self._open.add(run.info.run_id)
        return self._children[name]

    def epoch(self, variant_name: str, epoch: Epoch) -> None:
        """Logs the figures of an epoch."""
        for key in ("train_loss", "val_loss", "val_accuracy"):
            self._client.log_metric(self._child(variant_name), f"epoch/{key}", getattr(epoch, key), step=epoch.epoch)

    def variant(self, variant: Variant, profiles: dict[str, Profile], folder: Path) -> None:
        """Logs a variant, and ends its run."""
        from mlflow.entities import Metric, RunTag

        run = self._child(variant.name)
        values, flags = tracked_figures(variant, profiles), variant.onnx.flags if variant.onnx else {}
        reasons = {f"flag/{name}": reason for name, reason in flags.items()}
        # The raw samples, with the monitor's features, stay in the workspace.
        place = f"tasks/{variant.task}/variants/{folder.name}/samples"
        samples = {f"samples/{target}": f"{place}/{target}.npz" for target in profiles}
        own = {
            "variant": variant.name,
            "backbone": variant.backbone,
            "technique": " ".join(variant.technique) or "base",
            "precision": variant.onnx.precision if variant.onnx else "fp32",
            "key": variant.key,
        }
        self._client.log_batch(
            run,
            metrics=[Metric(key, value, timestamp=0, step=0) for key, value in values.items()],
            tags=[RunTag(key, text) for key, text in ({"task": variant.task} | reasons | samples).items()],
        )
        self._parameters_of(run, self._parameters | own | hyper_parameters(variant))
        self._client.log_artifact(run, str(folder / "variant.json"))
        self._client.set_terminated(run)
        self._open.discard(run)

    def repository(self, folder: Path) -> None:
        """Logs the files of the repository, and the place of each variant with the figures that decide it."""
        for name in ("report.html", "frontier.png", "repository.json"):
            self._client.log_artifact(self._parent, str(folder / name))
        index = Repository.load(folder).index
        for variant in (*index.variants, *index.dropped):
            if variant.name in self._children:
                self._parameters_of(self._children[variant.name], places(variant))

    def _parameters_of(self, run: str, values: dict[str, str]) -> None:
        from mlflow.entities import Param

        found = [Param(key, value[:LONGEST_PARAMETER]) for key, value in values.items()]
        for start in range(0, len(found), MOST_PARAMETERS):
            self._client.log_batch(run, params=found[start : start + MOST_PARAMETERS])

    def tag(self, key: str, value: str) -> None:
        """Puts a tag on the parent run."""
        self._client.set_tag(self._parent, key, value)

    def end(self, status: str) -> None:
        """Ends the parent run, and the children that did not become a variant."""
        for run in (*self._open, self._parent):
            self._client.set_terminated(run, status=status)


@contextmanager
def pipeline_run(settings: Settings, config: str) -> Iterator[MlflowTracker]:
    """The parent run, which ends as finished, failed or killed."""
    client, experiment = connect(settings)
    parent = client.create_run(experiment, run_name=f"{settings.task}: {', '.join(settings.stages())}").info.run_id
    parameters = {
        "task": settings.task,
        "datamodule": settings.datamodule.name if settings.datamodule else "none",
        "seed": str(settings.seed),
    }
    for key, value in parameters.items():
        client.log_param(parent, key, value)
    with scratch("mlflow") as made:
        (made.folder / "config.yaml").write_text(config)
        client.log_artifact(parent, str(made.folder / "config.yaml"))
    tracker = MlflowTracker(client, experiment, parent, parameters)
    try:
        yield tracker
    except BaseException as error:
        # The first error is the one to report.
        with suppress(DnnPortingError):
            tracker.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    tracker.end("FINISHED")


def tracking_uri(settings: Settings) -> str:
    """The address of MLflow: the configured one, or a database in the workspace."""
    return settings.tracking.uri or f"{SQLITE}{settings.workspace.resolve() / DATABASE}"


def quieten_mlflow() -> None:
    """Turns off advice and logs of MLflow about migrations and errors, before its import."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # This logger prints the traceback of every raised error.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def require_mlflow() -> None:
    """Raises `BadInputError` where MLflow is not installed; it is not imported for that."""
    with suppress(ModuleNotFoundError):
        if find_spec("mlflow"):
            return
    without = "MLflow (or set tracking.enabled=false and publish.mlflow_registry=false: it)"
    raise needs_the_extra(without, ModuleNotFoundError(name="mlflow"))


def prepared(settings: Settings) -> str:
    """The address of MLflow, after its database was made or checked, and adapted to a moved workspace."""
    quieten_mlflow()
    require_mlflow()
    uri = tracking_uri(settings)
    path = database_of(uri)
    if path and settings.tracking.uri is None:
        ensure_database(path)
        update_addresses(path)
    elif path:
        ensure_database(path.resolve())
    return uri


def connect(settings: Settings) -> tuple["MlflowClient", str]:
    """The client of MLflow, and the id of the task's experiment."""
    uri = prepared(settings)
    path = database_of(uri)
    if path and settings.tracking.uri is None:
        end_killed(path, settings.task)
    from mlflow import MlflowClient

    words = (uri, "run", OFF)
    with one_line_errors(*words):
        client = cast("MlflowClient", CheckedClient(MlflowClient(tracking_uri=uri), *words))
    return client, experiment_id(client, uri, settings.task)


def experiment_id(client: "MlflowClient", uri: str, name: str) -> str:
    """The id of the experiment of this name, which is made where there is none.

    Its artefacts are in the folder of the database file, and not in the working directory, as MLflow would choose. A
    server has its own folder.
    """
    found: Any = client.get_experiment_by_name(name)
    if found and found.lifecycle_stage != "active":
        restore = f"MLFLOW_TRACKING_URI={shlex.quote(uri)} mlflow experiments restore -x {found.experiment_id}"
        raise BadInputError(f"MLflow's experiment {name} is deleted: run {restore}, or set {OFF}")
    path = database_of(uri)
    place = artifacts_address(path) if path else None
    return str(found.experiment_id if found else client.create_experiment(name, place))

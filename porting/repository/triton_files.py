"""The text files of a variant's folder for Triton: its configurations and its labels."""

from tritonclient.grpc.model_config_pb2 import ModelConfig

from porting.repository.schema import Details
from profiler.common.errors import BadInputError
from profiler.common.profile_settings import MAX_BATCH
from profiler.common.target import Tensor
from profiler.records.profile import Profile
from profiler.triton.config import ServingSettings, model_config, to_text

CONFIG, LABELS, EXAMPLE = "config.pbtxt", "labels.txt", "example"
WARM_UP = f"warmup/{EXAMPLE}"


def config_file(target: str) -> str:
    """The path of a variant's configuration for a target."""
    return f"configs/{target}.pbtxt"


def texts(details: Details, warm: bool) -> dict[str, str]:
    """The texts of a variant's folder by path, derived from its details; `warm` says whether it has a warm-up input."""
    configs = {config_file(target): config_text(details, profile, warm) for target, profile in details.profiles.items()}
    labels = {LABELS: "\n".join(details.labels) + "\n"} if details.labels else {}
    return {CONFIG: next(iter(configs.values())), **configs, **labels} if configs else labels


def config_text(details: Details, profile: Profile, warm: bool) -> str:
    """The `config.pbtxt` for the settings of a profile; with `warm` the server runs a real input before it is ready.

    Raises `BadInputError` for settings that a configuration cannot express.
    """
    try:
        return to_text(config_of(details, profile, warm))
    except (ValueError, OverflowError) as error:
        raise BadInputError(
            f"{details.name} cannot be served as it was measured on {profile.target_name} ({error}): profile it again"
        ) from error


def config_of(details: Details, profile: Profile, warm: bool) -> ModelConfig:
    """The configuration as a protobuf message; raises `ValueError` for a number out of its range."""
    target = profile.target
    serving = ServingSettings(target.threads, target.instances, MAX_BATCH, target.providers)
    source, sink = details.input, details.output
    config = model_config(
        Tensor(source.name, tuple(source.shape)),
        Tensor(sink.name, tuple(sink.shape)),
        serving,
        {"variant": details.name},
        LABELS if details.labels else None,
    )
    best = profile.best_throughput()
    for batch in sorted({1, best.batch if best else 1}) if warm else ():
        request = config.model_warmup.add(name=f"batch {batch}", batch_size=batch)
        request.inputs[source.name].data_type = config.input[0].data_type
        request.inputs[source.name].dims.extend(source.shape)
        request.inputs[source.name].input_data_file = EXAMPLE
    return config

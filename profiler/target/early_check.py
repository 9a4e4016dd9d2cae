"""The check of a target before any work: whether this machine can measure on it now."""

from contextlib import closing

from profiler.common.errors import BadInputError
from profiler.common.target import Target
from profiler.load_generator.perf_analyzer import find_perf_analyzer
from profiler.runtimes.kserve.server import V2Server
from profiler.runtimes.providers import session_providers
from profiler.runtimes.torch_program import load_torch, usable_device
from profiler.system.machine import split_cores
from profiler.target.identity import is_here
from profiler.triton.access import environment_token
from profiler.triton.installation import find_triton


def check_target(target: Target) -> None:
    """Raises `BadInputError` with the fix for a target that cannot be measured here.

    The reasons are too few cores, an endpoint that is on another machine or does not answer, and a server, a provider,
    a library or a load generator that is not installed.
    """
    split_cores(target.cores)
    if target.endpoint is not None:
        check_endpoint(target.endpoint)
    elif target.runtime == "triton":
        find_triton(target.server_environment)
    elif target.runtime == "torch":
        for provider in target.providers:
            usable_device(load_torch(), provider, target.gpu)
    else:
        session_providers(target.providers, target.threads)
    if target.load_generator == "perf_analyzer":
        find_perf_analyzer()


def check_endpoint(endpoint: str) -> None:
    """Raises `BadInputError` for an endpoint on another machine, and `ServerNotFoundError` where no server answers."""
    if not is_here(endpoint):
        raise BadInputError(
            f"endpoint {endpoint} is on another machine, of which this one can tell neither cores nor noise: "
            "run 'python -m profiler' there, or take an endpoint on 127.0.0.1"
        )
    with closing(V2Server(endpoint, environment_token())) as server:
        server.check()

"""Models in this process: providers that are not to be had are refused, and threads stay on the target's cores."""

import os
from pathlib import Path

import onnxruntime as ort
import pytest

from profiler.common.errors import BadInputError
from profiler.common.target import Provider, Target
from profiler.runtimes.providers import NAMES, PACKAGES, check_started
from profiler.runtimes.session import open_session
from profiler.system.processes import thread_folders
from profiler.target.model_under_test import ModelUnderTest
from profiler.target.prepared_target import prepared_target

LACKING: list[Provider] = [one for one in NAMES if NAMES[one] not in ort.get_available_providers()]


@pytest.mark.parametrize("provider", LACKING)
def test_a_provider_that_the_build_lacks_is_refused_with_the_package_that_has_it(
    network: Path, provider: Provider
) -> None:
    with pytest.raises(BadInputError, match=f"provider {provider} is not in .* --no-deps {PACKAGES[provider]}'"):
        open_session(network, 1, (provider, "cpu"))


def test_a_session_that_goes_on_without_a_provider_is_refused(network: Path) -> None:
    session = open_session(network, 1)
    check_started(session, ("cpu",))
    with pytest.raises(BadInputError, match="provider cuda did not start, and the session runs on CPUExecution"):
        check_started(session, ("cuda", "cpu"))


def test_the_threads_of_a_model_stay_on_the_target_s_cores(network: Path) -> None:
    before = set(thread_folders(os.getpid()))
    with prepared_target("here", Target(runtime="onnxruntime", threads=2)) as here:
        with ModelUnderTest(here, network) as model:
            model.serve()
            started = [int(folder.name) for folder in set(thread_folders(os.getpid())) - before]
            assert started
            assert {tuple(os.sched_getaffinity(thread)) for thread in started} == {tuple(here.server_cores)}

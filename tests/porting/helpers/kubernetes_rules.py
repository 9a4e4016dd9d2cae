"""What a Kubernetes API server with KServe's CRDs takes, as far as our manifests go.

Names of fields: kserve/kserve config/crd/full, serving.kserve.io_inferenceservices.yaml and _servingruntimes.yaml;
the name of a service: pkg/apis/serving/v1beta1/inference_service_validation.go; quantities, labels and annotations:
the Kubernetes reference.
"""

import re
from typing import Any

QUANTITY = re.compile(r"(\d+)(Mi)?")
SERVICE_NAME = re.compile("[a-z]([-a-z0-9]*[a-z0-9])?")
KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL = re.compile("[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
MODEL_FIELDS = {
    "modelFormat", "runtime", "runtimeVersion", "protocolVersion", "storageUri", "args", "resources",
}  # fmt: skip
RUNTIME_FIELDS = {
    "supportedModelFormats", "protocolVersions", "multiModel", "grpcEndpoint", "grpcDataEndpoint", "containers",
    "builtInAdapter",
}  # fmt: skip
CONTAINER_FIELDS = {"name", "image", "command", "args", "resources"}
ADAPTER_FIELDS = {"serverType", "runtimeManagementPort", "memBufferBytes", "modelLoadingTimeoutMillis", "env"}


def amount(quantity: str) -> int:
    """A quantity in its base unit."""
    found = QUANTITY.fullmatch(quantity)
    assert found, quantity
    return int(found[1]) * (1 << 20 if found[2] else 1)


def check_metadata(metadata: dict[str, Any]) -> None:
    assert SERVICE_NAME.fullmatch(metadata["name"])
    # Its service is called NAME-predictor.
    assert len(metadata["name"]) + len("-predictor") <= 63
    for key, value in metadata.get("annotations", {}).items():
        assert KEY.fullmatch(key)
        assert isinstance(value, str)
    for key, value in metadata.get("labels", {}).items():
        assert KEY.fullmatch(key)
        assert LABEL.fullmatch(value)


def model_of(service: dict[str, Any]) -> dict[str, Any]:
    """The model of a valid InferenceService."""
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert service.keys() == {"apiVersion", "kind", "metadata", "spec"}
    check_metadata(service["metadata"])
    model: dict[str, Any] = service["spec"]["predictor"]["model"]
    assert model.keys() <= MODEL_FIELDS
    check_resources(model.get("resources", {}))
    return model


def check_resources(resources: dict[str, Any]) -> None:
    """Requests may not be above the limits, and only what is counted whole may be a GPU."""
    assert resources.keys() <= {"requests", "limits"}
    for name, quantity in resources.get("requests", {}).items():
        assert 0 < amount(quantity) <= amount(resources["limits"][name])


def runtime_of(runtime: dict[str, Any]) -> dict[str, Any]:
    """The spec of a valid ServingRuntime with the built-in adapter, which watches the container of its own name."""
    assert (runtime["apiVersion"], runtime["kind"]) == ("serving.kserve.io/v1alpha1", "ServingRuntime")
    check_metadata(runtime["metadata"])
    spec: dict[str, Any] = runtime["spec"]
    assert spec.keys() <= RUNTIME_FIELDS
    (container,) = spec["containers"]
    assert container.keys() <= CONTAINER_FIELDS
    check_resources(container["resources"])
    assert spec["builtInAdapter"].keys() <= ADAPTER_FIELDS
    assert container["name"] == spec["builtInAdapter"]["serverType"]
    assert all(isinstance(one["value"], str) for one in spec["builtInAdapter"]["env"])
    return spec

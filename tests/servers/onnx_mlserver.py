"""Serves an ONNX file from MLServer, with ONNX Runtime; it runs in MLServer's own environment and needs nothing here.

`model-settings.json` names it as the implementation, the file as `parameters.uri`, and the threads inside an
operator as `parameters.extra.threads`.
"""

import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor


class OnnxModel(MLModel):  # type: ignore[misc]
    """One network with float32 inputs and outputs."""

    async def load(self) -> bool:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.settings.parameters.extra["threads"]
        options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(self.settings.parameters.uri, options, ["CPUExecutionProvider"])
        self.inputs = [described(tensor) for tensor in self._session.get_inputs()]
        self.outputs = [described(tensor) for tensor in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feed = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        try:
            answers = self._session.run(None, feed)
        except Exception as error:  # what ONNX Runtime refuses is the caller's fault
            raise MLServerError(str(error), status_code=400) from error
        named = zip(self.outputs, answers, strict=True)
        outputs = [NumpyCodec.encode_output(tensor.name, answer) for tensor, answer in named]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def described(tensor: ort.NodeArg) -> MetadataTensor:
    """A graph's tensor in the terms of the protocol: an open axis is -1."""
    shape = [axis if isinstance(axis, int) else -1 for axis in tensor.shape]
    return MetadataTensor(name=tensor.name, datatype="FP32", shape=shape)

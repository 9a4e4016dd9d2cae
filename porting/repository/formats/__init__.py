"""The formats of other systems, each written from a published repository by the module of its name."""

from collections.abc import Callable

from porting.repository.formats import infaas, infadapter, kserve, modelmesh
from porting.repository.formats.conversion import Conversion, ConvertedFiles

FORMATS: dict[str, Callable[[Conversion], ConvertedFiles]] = {
    "infadapter": infadapter.files,
    "infaas": infaas.files,
    "kserve": kserve.files,
    "modelmesh": modelmesh.files,
}

__all__ = ["FORMATS", "Conversion", "ConvertedFiles"]

"""Other systems' own formats, written from a published repository; one file each, `convert` for the command line."""

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

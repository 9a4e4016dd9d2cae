"""Other systems' own formats, written from a published repository; one file each, `convert` for the command line."""

from collections.abc import Callable

from porting.repository.formats import infaas, infadapter, kserve, modelmesh
from porting.repository.formats.files import Files
from porting.repository.formats.wanted import Wanted

FORMATS: dict[str, Callable[[Wanted], Files]] = {
    "infadapter": infadapter.files,
    "infaas": infaas.files,
    "kserve": kserve.files,
    "modelmesh": modelmesh.files,
}

__all__ = ["FORMATS", "Files", "Wanted"]

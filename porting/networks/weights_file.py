"""The file of initial weights: a path, a file of an installed package, or a download of torchvision."""

from importlib.resources import files
from pathlib import Path
from urllib.error import URLError

from profiler.common.errors import BadInputError

PACKAGE = "pkg://"


def weights_file(key: str, reference: str) -> Path:
    """The file that the setting `key` names: a path, `pkg://PACKAGE/PATH`, or a name of torchvision.

    Weights by a name of torchvision, such as `ResNet18_Weights.IMAGENET1K_V1`, are downloaded to torch's cache. Raises
    `BadInputError` where there is no such file.
    """
    if reference.startswith(PACKAGE):
        path = packaged(reference)
    elif "_Weights" in reference:
        path = torchvision_file(reference)
    else:
        path = Path(reference)
    if not path.is_file():
        raise BadInputError(
            f"{key}={reference} is no file: give a path, {PACKAGE}PACKAGE/PATH or a name of torchvision's weights"
        )
    return path


def packaged(reference: str) -> Path:
    """A file inside an installed package; raises `BadInputError` for an absent package and a path that leaves it."""
    package, _, inside = reference.removeprefix(PACKAGE).partition("/")
    if not all(part.isidentifier() for part in package.split(".")) or ".." in Path(inside).parts or inside[:1] == "/":
        raise BadInputError(f"{reference} names no file of a package: give {PACKAGE}PACKAGE/PATH")
    try:
        return Path(str(files(package))) / inside
    except ModuleNotFoundError as error:
        raise BadInputError(f"{reference}: the package {package} is not installed: pip install it") from error
    except TypeError as error:
        raise BadInputError(f"{reference}: {package} is one module and holds no files: name a package") from error


def torchvision_file(name: str) -> Path:
    """The file of weights with this name in torchvision; raises `BadInputError` where it cannot be downloaded."""
    import torch
    from torchvision.models import get_weight

    try:
        url: str = get_weight(name).url
        torch.hub.load_state_dict_from_url(url, map_location="meta", progress=False, check_hash=True, weights_only=True)
    except (ValueError, AttributeError) as error:
        raise BadInputError(
            f"torchvision has no weights {name!r} ({error}): take e.g. ResNet18_Weights.DEFAULT"
        ) from error
    except (URLError, RuntimeError) as error:
        raise BadInputError(f"{name} cannot be downloaded ({error}): name a file of them instead") from error
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name

"""Splits that are drawn class by class and share no image."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from datamodules.pictures import Images

Split = Literal["train", "val", "test"]
SPLIT_SEED = 0


def without_leaks(splits: dict[Split, Images]) -> dict[Split, Images]:
    """Removes from train the images that val or test contain too, and from val those of test, by content."""
    seen: set[str] = set()
    clean: dict[Split, Images] = {}
    for name in ("test", "val", "train"):
        content = splits[name].content()
        keep = [i for i, digest in enumerate(content) if digest not in seen]
        clean[name] = splits[name].subset(keep)
        seen.update(content)
        if not keep:
            raise ValueError(f"the {name} split is empty: every split needs pictures of its own")
    return clean


def stratified(labels: Tensor, shares: Sequence[float]) -> list[list[int]]:
    """Splits indices class by class by `shares`, whose sum is at most 1; the first part is the rest.

    The result is the same in every call.
    """
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    parts: list[list[int]] = [[] for _ in range(len(shares) + 1)]
    for label in sorted(set(labels.tolist())):
        found = torch.nonzero(labels == label).flatten()
        members = found[torch.randperm(len(found), generator=generator)].tolist()
        start = 0
        for part, share in enumerate(shares, 1):
            size = round(len(members) * share)
            parts[part] += members[start : start + size]
            start += size
        parts[0] += members[start:]
    return [sorted(part) for part in parts]

"""The command lint: finds the errors of a model repository for which a Triton server refuses it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from porting.command_line.public_key import add_public_key
from porting.common.console import say
from porting.repository.integrity import published_rules
from profiler.common.errors import BadInputError
from profiler.triton.lint import lint


def run(arguments: Sequence[str]) -> None:
    """Checks any Triton model repository with ONNX models, without a server; exit code 2 for a refused model.

    The digests of a published repository are checked too, and with a key its signature.
    """
    parser = argparse.ArgumentParser(prog="dnn-porting lint", description=run.__doc__)
    parser.add_argument("repository", type=Path)
    add_public_key(parser)
    options = parser.parse_args(arguments)

    findings = lint(options.repository, published_rules(options.repository, options.public_key))
    for finding in findings:
        say(str(finding))
    errors = sum(finding.severity == "error" for finding in findings)
    counted = f"{errors} errors and {len(findings) - errors} warnings in {options.repository}"
    if errors:
        raise BadInputError(f"{counted}: correct the errors, as each line explains")
    say(counted)

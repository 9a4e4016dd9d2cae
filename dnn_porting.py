"""The command `dnn-porting`, with the table of all its commands."""

from porting.command_line.cli import run

# Each module has a function `run(arguments)`. The call of a command imports its module only.
COMMANDS = {
    "adopt": "porting.commands.adopt",
    "compare": "porting.commands.compare",
    "convert": "porting.commands.convert",
    "lint": "porting.commands.lint",
    "monitor": "porting.commands.monitor_process",
    "orchestrate": "orchestrators.commands.orchestrate",
    "plan": "orchestrators.commands.plan",
    "request": "porting.commands.request",
    "select": "porting.commands.select",
    "serve": "porting.commands.serve",
    "simulate": "orchestrators.commands.simulate",
    "verify": "porting.commands.verify",
    "warm-up": "porting.commands.warm_up_predictor",
}


def main() -> None:
    """The entry point of the command `dnn-porting`, and of `python -m dnn_porting`."""
    run(COMMANDS)


if __name__ == "__main__":
    main()

"""The `workflow` command: talks to a running service over REST and gRPC, as any user would."""

from app.cli.commands import app


def main() -> None:
    """The entry point of the installed command and of `python -m app.cli`."""
    app(prog_name="workflow")

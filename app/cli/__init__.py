"""The `workflow` command, a process of its own. Only its entry points and `run_grpc_server.py` import it.

Most commands talk to a running service over REST and gRPC. `up` starts one, and `check` reads the database itself.
"""

from app.cli.commands import app


def main() -> None:
    """The entry point of the installed command and of `python -m app.cli`."""
    app(prog_name="workflow")

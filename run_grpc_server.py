"""Runs the gRPC process: `python run_grpc_server.py`, or several on one port with `--workers N`."""

import argparse
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the gRPC server with its engine.")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes on one port (default 1)")
    parser.add_argument("--reload", action="store_true", help="restart when the source changes")
    options = parser.parse_args()
    if options.workers == 1:
        from app.grpc_main import main as run

        run(reload=options.reload)
        return
    from app.cli.errors import CliError
    from app.cli.local.workers import run_workers
    from app.config import SettingsError, load_settings

    try:
        run_workers(load_settings(), options.workers)
    except (CliError, SettingsError) as error:
        sys.exit(f"workflow: {error}")


if __name__ == "__main__":
    main()

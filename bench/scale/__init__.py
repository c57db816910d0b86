"""How speed and memory change with stored executions, engines, watchers and waiting executions."""

"""What the command draws and prints. Only `app.cli` imports it."""

"""Definition files: reading, judging, comparing and writing them. Only the commands in `app.cli` import it."""

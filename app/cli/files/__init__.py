"""Definition files: reading, checking, comparing and writing them. Only the commands in `app.cli` import it."""

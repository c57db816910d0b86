"""The least that could do the same work on the wire and in the database, with no engine."""

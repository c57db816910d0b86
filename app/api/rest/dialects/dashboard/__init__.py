"""`/api/…`: the words of a workflow dashboard's backend over the same services."""

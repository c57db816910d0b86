"""The REST and gRPC client of the service, with a follower that resumes broken streams. `app.cli` imports it.

It imports nothing of the service but the generated stubs and plain types of the domain.
"""

"""A client of REST and gRPC, with a follower that resumes broken streams. `app.cli` imports it.

It imports only the generated stubs and plain types of the domain, so that it can become a distribution of its own.
"""

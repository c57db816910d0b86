"""The error that calls to the service raise."""


class ClientError(Exception):
    """The service cannot be reached or refuses a request.

    message: what happened, to what, and what to do about it.
    code: the stable code of the service's error; empty if the error does not come from the service.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def unusable_files(error: OSError) -> str:
    """The sentence about files for TLS that cannot be read."""
    reason = error.strerror or str(error)
    return (
        f"the files that WORKFLOW_TLS_CA, WORKFLOW_TLS_CERTIFICATE and WORKFLOW_TLS_KEY name cannot be used: {reason}"
    )

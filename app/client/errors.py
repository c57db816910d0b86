"""How a call to the service fails."""


class ClientError(Exception):
    """The service cannot be reached or does not do what was asked.

    message: what happened, to which thing, and what to do about it.
    code: the stable code of the service's error; empty when the failure is not the service's.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code

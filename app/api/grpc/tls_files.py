"""The files with which clients check who serves, and show who they are.

Environment variables name PEM files: WORKFLOW_TLS_CA the certificates that are trusted (an authority's, or the server's
own; without it, those of the system), WORKFLOW_TLS_CERTIFICATE and WORKFLOW_TLS_KEY what is shown to a server that
demands a certificate.
"""

import os
import ssl

from app.domain.host_names import is_local

CA, CERTIFICATE, KEY = "WORKFLOW_TLS_CA", "WORKFLOW_TLS_CERTIFICATE", "WORKFLOW_TLS_KEY"
SECURE = "https://"
"""What the address of a gRPC server with TLS begins with."""


def trust_own(certificate: str, key: str) -> None:
    """Trust and show the certificate of the service on this machine, unless other files are named."""
    if file_of(CA) is None:
        os.environ[CA] = certificate
    if key and file_of(CERTIFICATE) is None:
        os.environ |= {CERTIFICATE: certificate, KEY: key}


def trusting(host: str) -> ssl.SSLContext:
    """What a client trusts and shows to this host. Raise OSError for a file that cannot be used.

    On this machine a trusted certificate may have any name: nothing on the way could redirect the connection, and
    certificates seldom have the name `localhost`.
    """
    context = ssl.create_default_context(cafile=file_of(CA))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the server's own certificate can be trusted, too
    if (certificate := file_of(CERTIFICATE)) is not None:
        context.load_cert_chain(certificate, file_of(KEY))
    context.check_hostname = not (is_local(host) and file_of(CA) is not None)
    return context


def has_files() -> bool:
    """Whether the environment names files for TLS."""
    return any(map(file_of, (CA, CERTIFICATE)))


def file_of(variable: str) -> str | None:
    return os.environ.get(variable) or None

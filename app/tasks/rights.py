"""What the tasks of a tenant may reach and call. A tenant that is not named has no rights."""

from dataclasses import dataclass, field

ANY = "*"


@dataclass(frozen=True, slots=True)
class HttpRights:
    """Which closed addresses the `http` tasks of a tenant can call. Public ones are open to all tenants.

    allow_private: whether every private address can be called.
    allowed_hosts: `host` and `host:port` in lower case that can be called although their addresses are private.
    own_api_workflows: the keys of the workflows whose tasks can call this service at its own ports; `*` is any.
    """

    allow_private: bool = False
    allowed_hosts: frozenset[str] = frozenset()
    own_api_workflows: frozenset[str] = frozenset()

    def may_call_own_api(self, workflow_key: str | None) -> bool:
        return ANY in self.own_api_workflows or workflow_key in self.own_api_workflows


NO_HTTP_RIGHTS = HttpRights()


@dataclass(frozen=True, slots=True)
class TenantRights:
    """The rights of one tenant.

    http: which closed addresses its `http` tasks can call.
    functions: the names of the functions that its `python` tasks can call; `*` is any.
    kafka_topics: where its `kafka` tasks can publish to; `*` is any topic but those of the service.
    """

    http: HttpRights = field(default_factory=HttpRights)
    functions: frozenset[str] = frozenset()
    kafka_topics: frozenset[str] = frozenset()

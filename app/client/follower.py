"""Follows one execution across broken connections: every entry once, in order, to the end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from app.background.backoff import Backoff
from app.client.entries import FINAL, Entry, entry_of, status_word
from app.client.errors import ClientError
from app.client.grpc_client import GrpcClient, never_connected, seconds_to_wait, sentence_of

# The codes with which a stream may end when its server stops or crashes.
BROKEN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)

Notice = Callable[[str], None]

RETRY = Backoff(first_seconds=0.25, longest_seconds=5.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many consecutive tries without an entry are allowed.

    first_tries: before the first entry.
    later_tries: after an entry has arrived.
    backoff: the pauses between tries.
    """

    first_tries: int = 3
    later_tries: int = 12
    backoff: Backoff = RETRY

    def pause(self, silent_tries: int) -> float:
        return self.backoff.pause(silent_tries)


class Follower:
    """Follows one execution and keeps what its entries say.

    execution_id: empty until the first entry of a new execution.
    last: the number of the newest entry.
    shown: how many entries have arrived.
    status: the newest status; empty before the first entry.
    """

    def __init__(
        self,
        client: GrpcClient,
        patience: Patience | None = None,
        *,
        request: pb.ExecuteWorkflowRequest | None = None,
        execution_id: str = "",
        after: int = 0,
    ) -> None:
        """Pass either `request`, with an idempotency key, to start a new execution, or `execution_id`."""
        self._client = client
        self._patience = patience or Patience()
        self._request = request
        self.execution_id = execution_id
        self.last = after
        self.shown = 0
        self.status = ""

    def entries(self, notice: Notice) -> Iterator[Entry]:
        """Yield entries until the execution has ended. `notice` is called for every broken connection.

        Raise `ClientError` when the service refuses, or when the tries of `Patience` are used up.
        """
        silent_tries = 0
        while self.status not in FINAL:
            shown_before, broken = self.shown, None
            try:
                yield from self._one_stream()
            except grpc.RpcError as error:
                broken = error
            if self.status in FINAL:
                return
            silent_tries = 1 if self.shown > shown_before else silent_tries + 1
            self._check_patience(broken, silent_tries)
            if self.shown and silent_tries == 1:
                notice(f"connection lost after entry {self.last}; trying again")
            asked = 0.0 if broken is None else seconds_to_wait(broken)
            time.sleep(max(asked, self._patience.pause(silent_tries)))

    def _one_stream(self) -> Iterator[Entry]:
        if self._request is None or self.execution_id:
            updates = self._client.watch(self.execution_id, self.last)
        else:
            updates = self._client.execute(self._request)
        for update in updates:
            if update.sequence <= self.last:
                continue
            entry = entry_of(update)
            self.execution_id, self.last, self.status = entry.execution_id, entry.sequence, entry.status
            self.shown += 1
            yield entry
        self._look_for_end()

    def _look_for_end(self) -> None:
        """Read the final status: a stream that starts after the last entry closes without sending one."""
        if self.status in FINAL or not self.execution_id:
            return
        found = self._client.status(self.execution_id)
        if found.last_sequence <= self.last:
            self.status = status_word(found.status)

    def _check_patience(self, broken: grpc.RpcError | None, silent_tries: int) -> None:
        if self.shown == 0:
            if broken is not None and broken.code() is not grpc.StatusCode.UNAVAILABLE:
                raise sentence_of(broken, self._client.target)
            if silent_tries >= self._patience.first_tries:
                raise ClientError(self._why(broken) + self._perhaps_started(broken))
        elif broken is not None and broken.code() not in BROKEN and not seconds_to_wait(broken):
            raise sentence_of(broken, self._client.target)
        elif silent_tries > self._patience.later_tries:
            raise ClientError(
                f"{self._why(broken)}. The execution continues; follow it with: "
                f"workflow watch {self.execution_id} --after {self.last}"
            )

    def _why(self, broken: grpc.RpcError | None) -> str:
        if broken is None:
            return f"the service at {self._client.target} closes the stream before the execution has ended"
        return sentence_of(broken, self._client.target).message

    def _perhaps_started(self, broken: grpc.RpcError | None) -> str:
        """A sentence if the start may have been received although its response was lost; empty otherwise."""
        if not self.how_to_find_out or (broken is not None and never_connected(broken)):
            return ""
        return f". {self.how_to_find_out}"

    @property
    def how_to_find_out(self) -> str:
        """What to do if a start was sent and no response arrived; empty if nothing was to be started."""
        if self._request is None:
            return ""
        return (
            "Whether the execution has started is not known; to find out without starting it twice, repeat the "
            f"command with --idempotency-key {self._request.idempotency_key}"
        )

"""Follows one execution through broken connections: every entry once, in order, to the end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from app.client.entries import FINAL, Entry, entry_of, status_word
from app.client.errors import ClientError
from app.client.grpc_client import GrpcClient, never_connected, sentence_of

# What a stream ends with when its server goes away, depending on how it went.
_BROKEN = frozenset(
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


@dataclass(frozen=True, slots=True)
class Patience:
    """How many tries in a row may stay silent: at first, and once entries have come.

    The pause before the next try is `first_pause_seconds` and doubles from try to try, up to `longest_pause_seconds`.
    """

    first_tries: int = 3
    later_tries: int = 12
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 5.0

    def pause(self, silent_tries: int) -> float:
        return min(self.first_pause_seconds * 2.0 ** (silent_tries - 1), self.longest_pause_seconds)


class Follower:
    """What is known of one execution while its entries come in.

    `execution_id` is empty until a new execution's first entry. `last` is the number of the newest entry, `shown`
    how many came, `status` the newest status or empty.
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
        """Give either the `request` that starts a new execution, with its idempotency key, or an `execution_id`."""
        self._client = client
        self._patience = patience or Patience()
        self._request = request
        self.execution_id = execution_id
        self.last = after
        self.shown = 0
        self.status = ""

    def entries(self, notice: Notice) -> Iterator[Entry]:
        """Ends with the execution. `notice` hears of every connection that broke.

        Raise `ClientError` when the service refuses, or when `Patience` is at its end.
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
            time.sleep(self._patience.pause(silent_tries))

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
        """A stream that begins after the last entry closes without a word; the status then tells the end."""
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
        elif broken is not None and broken.code() not in _BROKEN:
            raise sentence_of(broken, self._client.target)
        elif silent_tries > self._patience.later_tries:
            raise ClientError(
                f"{self._why(broken)}. The execution is kept and goes on with the service; follow it with: "
                f"workflow watch {self.execution_id} --after {self.last}"
            )

    def _why(self, broken: grpc.RpcError | None) -> str:
        if broken is None:
            return f"the service at {self._client.target} closes the stream before the execution has ended"
        return sentence_of(broken, self._client.target).message

    def _perhaps_started(self, broken: grpc.RpcError | None) -> str:
        """A start may have arrived even though its answer did not, unless there never was a connection."""
        if not self.how_to_find_out or (broken is not None and never_connected(broken)):
            return ""
        return f". {self.how_to_find_out}"

    @property
    def how_to_find_out(self) -> str:
        """What to do when a start was sent and nothing heard; empty when there was nothing to start."""
        if self._request is None:
            return ""
        return (
            "Whether the execution has started is not known; to find out without starting it twice, repeat the "
            f"command with --idempotency-key {self._request.idempotency_key}"
        )

"""Follows the events of all executions across broken connections: every event once, in the order of the positions."""

import time
from collections.abc import Iterator

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from app.client.entries import FeedEntry, feed_entry_of
from app.client.errors import ClientError
from app.client.follower import BROKEN, Notice, Patience
from app.client.grpc_client import GrpcClient, seconds_to_wait, sentence_of


class FeedFollower:
    """Follows the feed, and keeps how far it has come.

    last: the position to continue from; None until the service has told where a stream from now on begins.
    """

    def __init__(self, client: GrpcClient, request: pb.WatchEventsRequest, patience: Patience | None = None) -> None:
        """`request` says what is wanted. Its position is that of the newest event."""
        self._client = client
        self._request = request
        self._patience = patience or Patience()
        self._is_heard = False

    @property
    def last(self) -> int | None:
        return self._request.after_position if self._request.HasField("after_position") else None

    def entries(self, notice: Notice) -> Iterator[FeedEntry]:
        """Yield events without an end. `notice` is called for every broken connection.

        Raise `ClientError` when the service refuses, or when the tries of `Patience` are used up.
        """
        silent_tries = 0
        while True:
            self._is_heard, broken = False, None
            try:
                yield from self._one_stream()
            except grpc.RpcError as error:
                broken = error
            silent_tries = 1 if self._is_heard else silent_tries + 1
            self._check_patience(broken, silent_tries)
            if self._is_heard:
                notice(f"connection lost after position {self.last}; trying again")
            asked = 0.0 if broken is None else seconds_to_wait(broken)
            time.sleep(max(asked, self._patience.pause(silent_tries)))

    def _one_stream(self) -> Iterator[FeedEntry]:
        for batch in self._client.watch_events(self._request):
            self._is_heard = True
            for event in batch.events:
                yield feed_entry_of(event)
                self._request.after_position = event.position
            self._request.after_position = batch.next_position

    def _check_patience(self, broken: grpc.RpcError | None, silent_tries: int) -> None:
        if broken is not None and broken.code() not in BROKEN and not seconds_to_wait(broken):
            raise sentence_of(broken, self._client.target)
        most = self._patience.first_tries if self.last is None else self._patience.later_tries
        if silent_tries < most:
            return
        why = "the service closes the stream" if broken is None else sentence_of(broken, self._client.target).message
        raise ClientError(why if self.last is None else f"{why}. The last position was {self.last}")

"""Reduces the time that the garbage collector takes in a process whose objects have been built."""

import gc

YOUNG_OBJECTS = 20_000


def settle_garbage() -> None:
    """Exclude the objects that exist now from collections, because they live as long as the process. Collect new
    objects less often.

    Measured: with 64 callers of streams, the collector took about 4 % of the process's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)

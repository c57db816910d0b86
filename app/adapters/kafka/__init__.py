"""Kafka by confluent-kafka, which is an extra: only `app.wiring.kafka` may import this package, and only when it is on.

The library's own asyncio producer refuses headers, so a plain producer is used, with a thread that serves it.
"""

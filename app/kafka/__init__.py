"""Kafka beside REST and gRPC: events of all executions go out, triggers and signals come in.

It is off unless KAFKA_BOOTSTRAP_SERVERS is set, and the client library is an extra. Everything here is free of it; the
library is in `app.adapters.kafka`. docs/kafka.md describes what users see.
"""

"""Builds the objects of each process. It is the only package that joins adapters to use cases. Processes import it.

Each process has its own module, so that it does not import what only the other one needs. The other modules build parts
for both. Each function opens its parts in order and closes them in reverse order.
"""

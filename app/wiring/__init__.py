"""Builds the objects of each process; the only package that joins adapters to use cases. Processes import it.

There is one module per process, so that neither imports what only the other needs; the other modules build parts for
them. Each function opens its parts and closes them in reverse order.
"""

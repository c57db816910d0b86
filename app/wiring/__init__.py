"""The composition root: the only place that joins adapters to use cases.

One module per process, so that neither loads what only the other needs. Each function opens parts and closes them in
reverse order.
"""

"""State machines of entities: definitions with revisions, and entities that they govern.

A transition is one transaction in the process that was asked, without an engine. `deciding` says what a request does to
an entity; `entities` reads, decides and stores.
"""

"""JSON Schemas that users write for inputs and outputs. Anything above the domain may import it."""

"""JSON Schemas that users state for inputs and outputs. Definitions and the engine may import it."""

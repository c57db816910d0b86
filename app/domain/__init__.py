"""What a workflow and an execution are: values and rules without I/O, clock or framework. Everything may import it."""

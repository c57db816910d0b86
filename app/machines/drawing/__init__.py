"""Draws a machine: as JSON for programs, as Mermaid for documents, as SVG for everything else."""

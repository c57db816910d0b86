"""The dashboard: its files, and how they are served. It has no way in of its own: its pages call the APIs."""

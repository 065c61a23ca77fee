"""Coordinates in, the responsible grid out: exact, explained, reproducible."""

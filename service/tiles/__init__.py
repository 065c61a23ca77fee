"""Vector tiles of grids and backdrop."""

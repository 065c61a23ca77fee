"""Grids, plans and editions: the map of responsibility, how it is imported, checked, published and remembered."""

"""Grids, plans and editions: how the map of responsibility is imported, checked, published, remembered."""

"""Heatmaps for those who supervise; folium lives only here."""

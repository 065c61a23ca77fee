"""Pure geometry: lattice, coordinate systems, files, partitions, locators, heat surfaces, the demo city.

Nothing here knows the web, the database or folium. Coordinates are lon, lat in degrees of the canonical
geographic system (EPSG:4490, numerically WGS84) unless a name says otherwise; lengths are metres, areas m².
"""

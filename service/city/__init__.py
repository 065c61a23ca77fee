"""The city itself: its profile (everything one country or city does its own way), districts, schemes, levels."""

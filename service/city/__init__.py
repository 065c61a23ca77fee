"""The city itself: its profile (all that one city does its own way), districts, schemes, levels."""

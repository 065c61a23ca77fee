"""Reports: what somebody sent, with the grid that answered for it."""

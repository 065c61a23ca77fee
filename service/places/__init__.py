"""The city's own lists of addresses, estates and names: a text in, the places it may mean out."""

"""Persons, roles, permissions by place, sessions, tokens: who may do what, where."""

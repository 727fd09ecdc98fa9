"""Hostile modules and sources, and the functions that child processes run on them."""

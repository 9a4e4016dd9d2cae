"""Hostile inputs by their doors: what is made, and the commands that read it."""

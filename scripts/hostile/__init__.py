"""Hostile inputs by their doors: their makers, and the commands that read them."""

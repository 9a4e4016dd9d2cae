"""Processes that can read foreign files and nothing else: no writing, no network, no other process."""

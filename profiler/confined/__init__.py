"""Processes that read foreign files and can do nothing else: no writing, no network, no other process."""

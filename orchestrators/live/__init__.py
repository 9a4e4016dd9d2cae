"""Real Triton servers, under a policy: what is seen, what is switched, and what came of it."""

from orchestrators.live.nginx import nginx_server
from orchestrators.live.requests import read_traffic

__all__ = ["nginx_server", "read_traffic"]

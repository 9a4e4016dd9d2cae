"""Real Triton servers under a policy: observation, switches of networks, and results of a run."""

from orchestrators.live.nginx import nginx_server
from orchestrators.live.run import read_traffic

__all__ = ["nginx_server", "read_traffic"]

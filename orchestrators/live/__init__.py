"""Real Triton servers, under a policy: what is seen, what is switched, and what came of it."""

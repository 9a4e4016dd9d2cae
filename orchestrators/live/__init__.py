"""Real Triton servers, driven by the trivial policy: what it sees, what it switches, and what came of it."""

"""The machine: tenancy, policy, the entity registry, hooks, and what makes plugins safe. It has no feature of its own."""

"""Pipeline: the defined sales process, and the deals that go through it."""

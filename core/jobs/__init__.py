"""Background work as people see it: what waits, what failed and why, and trying it again."""

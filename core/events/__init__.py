"""The outbox: what happened and what is to be done, committed with the change that caused it."""

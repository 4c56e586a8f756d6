"""Rules of trigger, condition and action; webhooks out and in."""

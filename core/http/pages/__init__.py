"""Pages over HTTP: their addresses, their static files, signing in, and what a refusal looks like."""

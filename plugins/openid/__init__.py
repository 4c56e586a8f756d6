"""OpenID Connect: people come in through the provider of their company."""

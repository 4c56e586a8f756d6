"""Who may do what: Casbin's role-based model with domains, compiled into grants. Only this package knows Casbin."""

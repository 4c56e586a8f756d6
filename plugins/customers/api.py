"""What other plugins may import from customers."""

from plugins.customers.tables import Account, Contact

__all__ = ["Account", "Contact"]

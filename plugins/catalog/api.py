"""What other plugins may import from catalog."""

from plugins.catalog.tables import Product

__all__ = ["Product"]

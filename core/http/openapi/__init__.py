"""OpenAPI 3.1 of exactly what a tenant and a user can call, built from the registry."""

from core.http.openapi.document import Description, Descriptions, mount_openapi

__all__ = ["Description", "Descriptions", "mount_openapi"]

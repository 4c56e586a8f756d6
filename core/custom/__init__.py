"""The fields that tenants add to entities themselves."""

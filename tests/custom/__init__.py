"""Tests of what tenants add themselves."""

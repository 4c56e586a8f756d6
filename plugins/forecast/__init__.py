"""Forecast: what will be sold, how sure that is, and what helped to know it."""

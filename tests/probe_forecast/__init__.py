"""A plugin of somebody else that brings one forecasting model."""

"""Reports: any entity, grouped and added up."""

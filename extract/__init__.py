"""Reading both services into the warehouse, one package per service."""

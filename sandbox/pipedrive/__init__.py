"""A local Pipedrive: the documented API with its limits, caps, quirks and faults."""

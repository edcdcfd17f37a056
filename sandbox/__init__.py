"""Local servers that behave like Alpine IQ and Pipedrive over real HTTP."""

"""The command `aiq2pd`: drives extraction, dbt, the loader and the reports, and knows no mapping."""

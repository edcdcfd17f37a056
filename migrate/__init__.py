"""The command `aiq2pd`: drives extraction, dbt, the loader and reports; knows no mapping."""

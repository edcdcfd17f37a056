"""Endpoints, one typed function each, by what they are about. Waiting and counting is not theirs.

    records     organizations, persons, deals and their lines, products, notes, files
    fields      custom fields, options, labels
    account     users, pipelines, stages, webhooks
    paging      whole lists as async iterators over pages

Each docstring names the call as Pipedrive's API reference lists it, and its tokens. Functions
raise what `load.client` raises. Bodies are plain JSON types.
"""

from load.api.account import (
    add_pipeline,
    add_stage,
    list_pipelines,
    list_stages,
    list_users,
    list_webhooks,
    whoami,
)
from load.api.calls import Body, Caller, Record
from load.api.fields import (
    FieldList,
    add_field,
    add_options,
    change_field,
    change_options,
    list_fields,
    list_fields_v1,
    put_options_v1,
    remove_field,
    remove_options,
)
from load.api.paging import Page
from load.api.records import (
    Collection,
    add_line,
    add_lines,
    add_note,
    add_record,
    change_line,
    change_note,
    change_record,
    get_record,
    list_archived_deals,
    list_files,
    list_lines,
    list_notes,
    list_records,
    records_by_ids,
    remove_line,
    remove_note,
    remove_record,
)

__all__ = [
    "Body",
    "Caller",
    "Collection",
    "FieldList",
    "Page",
    "Record",
    "add_field",
    "add_line",
    "add_lines",
    "add_note",
    "add_options",
    "add_pipeline",
    "add_record",
    "add_stage",
    "change_field",
    "change_line",
    "change_note",
    "change_options",
    "change_record",
    "get_record",
    "list_archived_deals",
    "list_fields",
    "list_fields_v1",
    "list_files",
    "list_lines",
    "list_notes",
    "list_pipelines",
    "list_records",
    "list_stages",
    "list_users",
    "list_webhooks",
    "put_options_v1",
    "records_by_ids",
    "remove_field",
    "remove_line",
    "remove_note",
    "remove_options",
    "remove_record",
    "whoami",
]

"""Reading: what the services say, landed as it came. dlt, which lands it, reports to nobody."""

import os

# dlt starts its telemetry while it is imported: a setting made afterwards comes too late
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

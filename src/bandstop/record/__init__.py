"""What a run is asked for and what it leaves behind: options, records, file names."""

from bandstop.record.config import Config
from bandstop.record.given import from_mapping, read_toml, refuse_idle
from bandstop.record.listing import Listing, is_listing, read_listing, write_listing
from bandstop.record.record import Record, pack, read_record, unpack, write_record
from bandstop.record.rules import CHOICES, WHOLE, parse_rates
from bandstop.record.runs import RunFolder, run_identity, run_name

__all__ = [
    "CHOICES", "WHOLE", "Config", "Listing", "Record", "RunFolder", "from_mapping", "is_listing", "pack",
    "parse_rates", "read_listing", "read_record", "read_toml", "refuse_idle", "run_identity",
    "run_name", "unpack", "write_listing", "write_record",
]  # fmt: skip

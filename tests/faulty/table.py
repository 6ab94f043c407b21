# SPDX-License-Identifier: MIT
"""Which mistake each program of this folder makes, how ashlar is to look for it, and what the
report must say. A program is named by its path."""

import dataclasses
import signal

ABORTED = -signal.SIGABRT
FAULTED = -signal.SIGSEGV  # by the access itself: the program dies as it would have


@dataclasses.dataclass
class Case:
    """`kind`: what the first line names; None for leaks, which the capture tells. `wrong_bytes`: how
    many bytes the report marks."""

    kind: str | None
    options: str = ""
    status: int = ABORTED
    wrong_bytes: int | None = None


OVERRUN = Case("overrun")
UNDERRUN = Case("underrun")
DOUBLE_FREE = Case("double free")
LATE_WRITE = Case("write after free")
WRONG_FAMILY = Case("mismatched free")
WRONG_ALIGNMENT = Case("alignment mismatch")
WRONG_SIZE = Case("size mismatch")
INTERIOR = Case("interior free")
FOREIGN = Case("invalid free")
LEAK = Case(None, status=0)

FAULTS = {
    **{
        f"overrun/{name}": OVERRUN
        for name in "by_one by_eight odd_size calloc new_array new_object aligned posix_memalign "
        "medium large grown_large empty realloc found_by_realloc found_at_exit found_on_demand string".split()
    },
    "overrun/found_by_check": Case("overrun", "check_every=1"),
    "overrun/page_write": Case("overrun", "protect=back", FAULTED),
    "overrun/page_read": Case("overrun", "protect=back", FAULTED),
    "underrun/by_one": UNDERRUN,
    "underrun/by_eight": UNDERRUN,
    "underrun/aligned": UNDERRUN,
    "underrun/page": Case("underrun", "protect=front", FAULTED),
    "underrun/slice_aligned": UNDERRUN,
    "underrun/slice_aligned_leaked": UNDERRUN,
    "underrun/slice_aligned_page": Case("underrun", "protect=front", FAULTED),
    "double_free/slice_aligned": DOUBLE_FREE,
    "double_free/direct": DOUBLE_FREE,
    "double_free/other_thread": DOUBLE_FREE,
    "double_free/two_threads": DOUBLE_FREE,
    "double_free/after_realloc": DOUBLE_FREE,
    "double_free/object": DOUBLE_FREE,
    "double_free/large": DOUBLE_FREE,
    "double_free/beyond_quarantine": DOUBLE_FREE,
    "double_free/own_mapping": DOUBLE_FREE,
    "double_free/without_quarantine": Case("double free", "quarantine=0"),
    "double_free/after_many": Case("double free", "quarantine=64M"),
    "double_free/realloc_of_freed": Case("invalid realloc"),
    "underrun/header": Case("underrun", "header=1"),
    "after_free/header": Case("write after free", "header=1"),
    "after_free/write": LATE_WRITE,
    "after_free/write_found_later": Case("write after free", "quarantine=4K"),
    "after_free/write_member": LATE_WRITE,
    "after_free/write_large": Case("write after free", wrong_bytes=2),
    "after_free/page_read": Case("use after free", "protect=back", FAULTED),
    "after_free/page_write": Case("use after free", "protect=front", FAULTED),
    "mismatch/new_and_free": WRONG_FAMILY,
    "mismatch/new_array_and_free": WRONG_FAMILY,
    "mismatch/malloc_and_delete": WRONG_FAMILY,
    "mismatch/malloc_and_delete_array": WRONG_FAMILY,
    "mismatch/new_and_delete_array": WRONG_FAMILY,
    "mismatch/new_array_and_delete": WRONG_FAMILY,
    "mismatch/new_and_realloc": WRONG_FAMILY,
    "mismatch/size": WRONG_SIZE,
    "mismatch/array_size": WRONG_SIZE,
    "mismatch/alignment": WRONG_ALIGNMENT,
    "mismatch/alignment_forgotten": WRONG_ALIGNMENT,
    "bad_free/stack": FOREIGN,
    "bad_free/global": FOREIGN,
    "bad_free/interior": INTERIOR,
    "bad_free/interior_large": INTERIOR,
    "bad_free/behind": INTERIOR,
    **{
        f"leak/{name}": LEAK
        for name in "lost_pointer local in_main container list thread ended_thread cycle "
        "kept_by_lost sealed realloc_failed".split()
    },
}

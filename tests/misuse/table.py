# SPDX-License-Identifier: MIT
"""Which fault each program of this folder commits, and what the report must say about it.

A program is named by its path. The text is what follows `ashlar: KIND of POINTER: `, as a regular
expression: it must match to the end of the line.
"""

FOREIGN = r"pointer was not allocated by ashlar"
INTERIOR = r"pointer is inside a block, not at its start"
FREE = r"block is free already"
NOT_LIVE = r"pointer is not a live block of ashlar"

FAULTS = {
    "free/stack": ("invalid free", FOREIGN + r" \(.*stack.*\)"),
    "free/global": ("invalid free", FOREIGN + r" \(.*free-global\)"),
    "free/literal": ("invalid free", FOREIGN + r" \(.*free-literal\)"),
    "free/function": ("invalid free", FOREIGN + r" \(.*free-function\)"),
    "free/thread_local": ("invalid free", FOREIGN + r" \(.+\)"),
    "free/mapping": ("invalid free", FOREIGN + r" \(.+\)"),
    "free/unmapped": ("invalid free", FOREIGN + r" \(.+\)"),
    "free/number": ("invalid free", FOREIGN + r" \(.+\)"),
    "free/beyond_user_space": ("invalid free", FOREIGN + r" \(.+\)"),
    # Such an address looks like the block's own to the fast path, so the fault shows at the flush.
    "free/not_canonical": ("(invalid|interior|double) free", r".+"),
    "free/other_allocator": ("invalid free", FOREIGN + r" \(.*heap.*\)"),
    "free/operator_delete": ("invalid free", FOREIGN + r" \(.*stack.*\)"),
    "interior/small": ("interior free", INTERIOR + r".*"),
    "interior/one_byte": ("interior free", INTERIOR + r".*"),
    "interior/medium": ("interior free", INTERIOR + r".*"),
    "interior/large": ("(interior|invalid) free", rf"({INTERIOR}|{FOREIGN}).*"),
    "interior/huge": ("(interior|invalid) free", rf"({INTERIOR}|{FOREIGN}).*"),
    "double_free/large": ("(double|invalid) free", rf"({FREE}|{FOREIGN}).*"),
    "double_free/huge": ("(double|invalid) free", rf"({FREE}|{FOREIGN}).*"),
    "double_free/small_trimmed": ("double free", FREE),
    "double_free/small_many": ("double free", FREE),
    "double_free/other_thread": ("double free", FREE),
    "realloc/stack": ("invalid realloc", NOT_LIVE + r" \(.*stack.*\)"),
    "realloc/number": ("invalid realloc", NOT_LIVE + r" \(.+\)"),
    "realloc/other_allocator": ("invalid realloc", NOT_LIVE + r" \(.*heap.*\)"),
    "realloc/interior_small": ("invalid realloc", NOT_LIVE + r".*"),
    "realloc/interior_medium": ("invalid realloc", NOT_LIVE + r".*"),
    "realloc/interior_large": ("invalid realloc", NOT_LIVE + r".*"),
    "realloc/freed_large": ("invalid realloc", NOT_LIVE + r".*"),
    "realloc/freed_huge": ("invalid realloc", NOT_LIVE + r".*"),
}

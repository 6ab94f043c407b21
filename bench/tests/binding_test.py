# SPDX-License-Identifier: MIT
"""Reading the dynamic linker's record of who serves malloc."""

import unittest

from compare.binding import find_strays, parse_bindings

LIBRARY = "/opt/liballocator.so"


def record(caller, provider, symbol="malloc"):
    return (
        f"      4711:\tbinding file {caller} [0] to {provider} [0]: "
        f"normal symbol `{symbol}' [GLIBC_2.2.5]\n"
    )


class BindingTest(unittest.TestCase):
    def strays(self, text):
        return find_strays(parse_bindings(text), LIBRARY)

    def test_all_bound_to_the_allocator(self):
        self.assertEqual(
            self.strays(record("/bin/server", LIBRARY) + record("/lib/libx.so", LIBRARY, "free")),
            [],
        )

    def test_a_library_of_the_program_that_serves_itself_is_found(self):
        self.assertEqual(
            self.strays(record("/bin/server", "/lib/libjemalloc.so.2")),
            ["malloc of server is bound to /lib/libjemalloc.so.2"],
        )

    def test_other_symbols_and_the_allocators_own_calls_do_not_count(self):
        self.assertEqual(
            self.strays(
                record("/bin/server", "/lib/libc.so.6", "malloc_info")
                + record(LIBRARY, "/lib/libc.so.6", "free")
            ),
            [],
        )

    def test_a_jump_entry_of_the_executable_counts_by_where_it_leads(self):
        through = record("/lib/libx.so", "/bin/fixed", "free")
        self.assertEqual(self.strays(through + record("/bin/fixed", LIBRARY, "free")), [])
        self.assertEqual(
            len(self.strays(through + record("/bin/fixed", "/lib/libc.so.6", "free"))), 2
        )


if __name__ == "__main__":
    unittest.main()

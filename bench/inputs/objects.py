# SPDX-License-Identifier: MIT
"""Input of the Python benchmark: dictionaries, strings, objects, JSON. Takes the number of rounds.
"""

import json
import re
import sys


class Entry:
    def __init__(self, key, words):
        self.key = key
        self.words = words
        self.links = []

    def score(self):
        return sum(len(word) for word in self.words) + len(self.links)


def numbers(seed):
    while True:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        yield seed >> 33


def build(source, count):
    entries = {}
    for _ in range(count):
        key = f"entry-{next(source) % (count * 2)}"
        words = [f"w{next(source) % 5000:x}" for _ in range(next(source) % 12)]
        entries[key] = Entry(key, words)
    keys = sorted(entries)
    for entry in entries.values():
        entry.links = [entries[keys[next(source) % len(keys)]] for _ in range(3)]
    return entries


def index(entries):
    places = {}
    for entry in entries.values():
        for word in entry.words:
            places.setdefault(word, set()).add(entry.key)
    return places


def main(rounds):
    source = numbers(2024)
    total = 0
    kept = []
    for number in range(rounds):
        entries = build(source, 12000)
        places = index(entries)
        text = json.dumps(
            {
                key: [entry.words, [link.key for link in entry.links]]
                for key, entry in entries.items()
            }
        )
        back = json.loads(text)
        found = re.findall(r'"entry-(\d+)7"', text)
        longest = max(places.items(), key=lambda item: (len(item[1]), item[0]))
        total += (
            len(text) + len(back) + len(found) + sum(entry.score() for entry in entries.values())
        )
        kept.append({word: sorted(keys)[:2] for word, keys in places.items()})
        if number % 3 == 2:
            kept.pop(0)
        print(number, len(entries), len(places), len(text), len(found), longest[0], len(longest[1]))
    print(total, sum(len(each) for each in kept))


main(int(sys.argv[1]))

// SPDX-License-Identifier: MIT
// Input of the node test: objects and strings, buffers, zlib, hashes, and four worker threads.
"use strict";
const crypto = require("crypto");
const zlib = require("zlib");
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");

function work(seed) {
  const hash = crypto.createHash("sha256");
  let number = seed;
  const next = (bound) => (number = (number * 1103515245 + 12345) % 2147483648) % bound;
  for (let round = 0; round < 40; ++round) {
    const records = [];
    for (let i = 0; i < 2000; ++i)
      records.push({ key: "record " + next(1e6), values: Array.from({ length: next(8) }, () => next(1000)) });
    const text = JSON.stringify(JSON.parse(JSON.stringify(records)));
    const packed = zlib.deflateSync(Buffer.from(text), { level: 6 });
    if (zlib.inflateSync(packed).toString() !== text) throw new Error("zlib");
    const joined = Buffer.concat([packed, Buffer.alloc(next(100000), round)]);
    hash.update(joined);
  }
  return hash.digest("hex");
}

if (isMainThread) {
  const results = new Map();
  for (let seed = 1; seed <= 4; ++seed)
    new Worker(__filename, { workerData: seed }).on("message", (digest) => {
      results.set(seed, digest);
      if (results.size < 4) return;
      console.log("main", work(99));
      for (const each of [...results.keys()].sort()) console.log(each, results.get(each));
    });
} else {
  parentPort.postMessage(work(workerData));
}

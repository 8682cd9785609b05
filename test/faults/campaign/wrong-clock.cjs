// Loaded before a program (NODE_OPTIONS=--require). CLOCK_FILE holds milliseconds by which its wall clock is wrong, empty or absent: right. Timers and
// `performance.now`, which a step of the clock leaves alone, are as they were. The product knows nothing of it.
const { readFileSync } = require('node:fs');

const OFTEN_MS = 100;
const RealDate = Date;
let shift = 0;

function read() {
  try {
    shift = Number(readFileSync(process.env.CLOCK_FILE, 'utf8')) || 0;
  } catch {
    shift = 0;
  }
}

globalThis.Date = class Date extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + shift);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + shift;
  }

  // What was made before this was loaded, or in another realm, is a date too.
  static [Symbol.hasInstance](value) {
    return RealDate[Symbol.hasInstance].call(RealDate, value);
  }
};

if (process.env.CLOCK_FILE) {
  read();
  setInterval(read, OFTEN_MS).unref();
}

// Loaded before a program (NODE_OPTIONS=--require). Where FAILPOINT_FILE holds `Class.method before|after`, the process kills itself, as kill -9 does, when that
// method is next called, or has just succeeded; the file is removed first, so that it happens once. `ServerResponse.end after 202`: when an answer of that status
// has been handed to the network. The product knows nothing of it.
const { readFileSync, rmSync } = require('node:fs');
const Module = require('node:module');

const file = process.env.FAILPOINT_FILE ?? '';
const [name = '', when, status] = read().split(' ');
const [className, method] = name.split('.');

function read() {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function die() {
  // Two calls at once die once.
  if (read() === '') return;
  rmSync(file, { force: true });
  process.kill(process.pid, 'SIGKILL');
}

function arm(exported) {
  const found =
    exported !== null && typeof exported === 'object' && Object.hasOwn(exported, className) && exported[className];
  const own = typeof found === 'function' && found.prototype?.[method];
  if (!own || own.armed) return;
  found.prototype[method] = Object.assign(
    function (...args) {
      if (status) {
        if (this.statusCode === Number(status)) this.once('finish', die);
        return own.apply(this, args);
      }
      if (when === 'before') die();
      const answer = own.apply(this, args);
      if (when === 'after') Promise.resolve(answer).then(die, () => undefined);
      return when === 'after' && answer instanceof Promise ? answer.then((value) => (die(), value)) : answer;
    },
    { armed: true },
  );
}

if (method) {
  // Modules of Node itself do not come by the way that is watched below when a module of ES imports them.
  arm(require('node:http'));
  // oxlint-disable-next-line no-underscore-dangle -- Node's own name for what every require goes through
  const { _load: load } = Module;
  // oxlint-disable-next-line no-underscore-dangle
  Module._load = function (...args) {
    const exported = load.apply(this, args);
    try {
      arm(exported);
    } catch {
      // A module that is still being loaded.
    }
    return exported;
  };
}

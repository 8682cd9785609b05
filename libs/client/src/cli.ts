import { runCli } from './terminal/run';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
    // A second Ctrl+C ends at once, the way of the system.
    process.once(signal, () => process.exit(130));
  });
}
// A reader that closes early (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { env, stdout, stderr } = process;
void runCli(process.argv.slice(2), { env, stdout, stderr, signal: stop.signal }).then((code) => {
  process.exitCode = code;
});

/** What a newcomer needs after the start: where it is, where the key lies, and the one line that sends a first packet. */
export function welcome(port: number, adminKeyFile: string): string {
  const url = `http://127.0.0.1:${port}`;
  return `
Liên Thông is running.
  API and documents   ${url}   ${url}/docs
  administrator key   ${adminKeyFile}
  a first packet      npx lienthong demo --url ${url} --key-file ${adminKeyFile}
Ctrl-C stops it; the next start keeps all data.

`;
}

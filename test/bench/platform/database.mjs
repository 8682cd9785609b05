import pg from 'pg';

/** A database beside the platform's on the same server, for the raw pipeline. @returns its URL */
export async function makeRawDatabase(platformUrl) {
  const name = 'lienthong_bench_raw';
  const client = new pg.Client({ connectionString: platformUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(platformUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function serverVersion(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return `PostgreSQL ${(await client.query('SHOW server_version')).rows[0].server_version}`;
  } finally {
    await client.end();
  }
}

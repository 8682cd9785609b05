import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const template = readFileSync(join(root, 'deploy/gateway/default.conf.template'), 'utf8');
const LOCATION = /location ~ (\S+) \{\s+proxy_pass http:\/\/(\w+);/g;
const locations = [...template.matchAll(LOCATION)].map(([, path, app]) => ({ path: new RegExp(path), app }));

/** As nginx does: the first expression that fits, else `location /`. */
const appOf = (path: string) => locations.find((location) => location.path.test(path))?.app ?? 'connector';

function routesOf(app: string): string[] {
  const folder = join(root, 'apps', app, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.controller.ts'))
    .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/@Controller\('([^']+)'\)/g)])
    .map(([, path]) => `/${path}`);
}

describe('The gateway of the real stack', () => {
  it.each(['auth', 'connector', 'notifier'])('gives %s the routes that it answers', (app) => {
    const routes = routesOf(app);
    expect(routes.length).toBeGreaterThan(0);
    expect(routes.filter((route) => appOf(route) !== app)).toEqual([]);
  });
});

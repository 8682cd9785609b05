// `npm run env-example`: writes .env.example from the settings of the apps; a spec fails when the two differ.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const schema = (app) => require(`../../apps/${app}/dist/${app}.config.js`)[`${app}Settings`];

const { envExample } = require('@lienthong/runtime');
const apps = ['standalone', 'auth', 'connector', 'scheduler', 'notifier'];
const text = envExample(Object.fromEntries(apps.map((app) => [app, schema(app)])));
writeFileSync(new URL('../../.env.example', import.meta.url), text);

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { takenAway } from './migrations';

const folder = join(__dirname, '../../libs/persistence/src/migrations');
const files = readdirSync(folder).filter((name) => /^\d/.test(name));

/** A migration as they are written. */
const migration = (...sql: string[]) =>
  ['async up(runner) {', 'await runner.query(`', ...sql, '`);', '}', 'async down(runner) {', 'DROP TABLE x', '}'].join(
    '\n',
  );
const found = (...sql: string[]) => takenAway('0018-x.ts', migration(...sql));

describe('Migrations', () => {
  it.each(files)('take nothing away that the former version needs, or say why it can bear it: %s', (name) =>
    expect(takenAway(name, readFileSync(join(folder, name), 'utf8'))).toEqual([]),
  );

  it.each([
    'DROP INDEX packets_to_drive;',
    'ALTER TABLE packets DROP COLUMN turn_at;',
    'ALTER TABLE packets RENAME COLUMN turn_at TO began_at;',
    'ALTER TABLE packets ALTER COLUMN turn_at SET NOT NULL;',
    'ALTER TABLE packets ALTER COLUMN round TYPE bigint;',
    'ADD COLUMN region text NOT NULL,',
    'ALTER TABLE packets ADD CONSTRAINT short CHECK (length(title) < 9);',
    'CREATE UNIQUE INDEX one_title ON packets (title);',
    'REVOKE DELETE ON packets FROM lienthong_app;',
  ])('may not say %s without a reason', (sql) => {
    expect(found(sql)).toEqual([`0018-x.ts: ${sql}`]);
    expect(found(`${sql} -- DROP`)).toHaveLength(1);
    expect(found('-- former version: it does not read this', sql)).toEqual([]);
    expect(found(`${sql} -- former version: it does not read this`)).toEqual([]);
  });

  it.each([
    'CREATE TABLE regions (code text NOT NULL);',
    "ADD COLUMN region text NOT NULL DEFAULT '',",
    'ALTER TABLE packets ADD COLUMN region text;',
    'CREATE INDEX packets_by_region ON packets (region);',
    '-- what was dropped: DROP',
  ])('may say %s', (sql) => expect(found(sql)).toEqual([]));

  it('are free of the rule up to the last one of before it', () =>
    expect(takenAway('0017-x.ts', migration('DROP TABLE packets;'))).toEqual([]));
});

import { Parser } from '@asyncapi/parser';
import { CLOSE, type ClientFrame, EVENT_TYPES, LIMITS, type ServerFrame, type StreamEvent } from '@lienthong/contracts';
import Ajv from 'ajv';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Message {
  payload: { allOf?: { properties?: Record<string, unknown> }[] };
  examples?: { payload: unknown }[];
}
interface Document {
  channels: { stream: { address: string; messages: object; 'x-close-codes': Record<string, { code: number }> } };
  operations: Record<string, { action: 'send' | 'receive'; messages: { $ref: string }[] }>;
  components: { messages: Record<string, Message> };
}
type Frame = ServerFrame | ClientFrame;

const ERROR = 0;
const WARNING = 1;
const text = readFileSync(join(__dirname, '../../docs/asyncapi.yaml'), 'utf8');
const document = parse(text) as Document;

/** The parser does not look at the examples of a version 3 document, nor at frames; the schemas are JSON Schema. */
const ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false });
ajv.addSchema({ components: document.components }, 'document');
const allows = (message: string, frame: unknown): boolean =>
  ajv.validate({ $ref: `document#/components/messages/${message}/payload` }, frame);

const namesBy = (side: 'send' | 'receive'): (string | undefined)[] =>
  Object.values(document.operations)
    .filter(({ action }) => action === side)
    .flatMap(({ messages }) => messages.map(({ $ref }) => $ref.split('/').at(-1)));

const id = '0198c1f0-7a10-7c3a-9d52-3f0a54b1c002';
const event = (type: StreamEvent['type'], data: Record<string, unknown>): StreamEvent => ({
  specversion: '1.0',
  id,
  source: 'http://127.0.0.1:8080',
  type,
  time: '2026-12-01T01:00:00.000Z',
  subject: id,
  datacontenttype: 'application/json',
  offset: '7',
  data,
});

const eventFrame = (type: StreamEvent['type'], data: Record<string, unknown>): Extract<Frame, { type: 'event' }> => ({
  type: 'event',
  event: event(type, data),
});

/** One frame of each kind as the contracts have it; a kind that is missing here does not compile. */
const FRAMES: { [T in Frame['type']]: Extract<Frame, { type: T }> } = {
  hello: { type: 'hello', heartbeatSeconds: LIMITS.heartbeatSeconds, lastOffset: '7', resumedFrom: '0' },
  event: eventFrame('packet.completed', { packetId: id }),
  gap: { type: 'gap', from: '3' },
  ack: { type: 'ack', offset: '7' },
};

describe('docs/asyncapi.yaml', () => {
  const { stream } = document.channels;
  const { messages } = document.components;
  const names = Object.keys(messages);
  const events = names.filter((name) => name.includes('.'));

  it('is a valid AsyncAPI document without warnings', async () => {
    const found = await new Parser().validate(text);
    expect(found.filter(({ severity }) => severity === ERROR || severity === WARNING)).toEqual([]);
  });

  it('has exactly the event types of the contracts, each under its own name', () => {
    expect(events.toSorted()).toEqual([...EVENT_TYPES].toSorted());
    for (const name of events) {
      const [, own] = messages[name].payload.allOf ?? [];
      expect(own.properties?.event).toMatchObject({ properties: { type: { const: name } } });
    }
  });

  it('has exactly the frames of the contracts, sent and received by the right side', () => {
    const kinds = Object.keys(FRAMES).filter((kind) => kind !== 'event');
    expect(names.filter((name) => !name.includes('.')).toSorted()).toEqual(kinds.toSorted());
    expect(Object.keys(stream.messages).toSorted()).toEqual(names.toSorted());
    expect(namesBy('receive')).toEqual(['ack']);
    expect(namesBy('send').toSorted()).toEqual(names.filter((name) => name !== 'ack').toSorted());
  });

  it.each(Object.entries(FRAMES))('allows the %s frame of the contracts and nothing beside it', (kind, frame) => {
    const message = kind === 'event' ? FRAMES.event.event.type : kind;
    expect(allows(message, frame)).toBe(true);
    expect(allows(message, { ...frame, more: 1 })).toBe(false);
  });

  it('does not allow an event under the name of another, nor with data of another', () => {
    expect(allows('packet.completed', eventFrame('packet.completed', { packetId: id }))).toBe(true);
    expect(allows('packet.completed', eventFrame('packet.purged', { packetId: id }))).toBe(false);
    expect(allows('packet.completed', eventFrame('packet.completed', { packetId: id, receipt: 'a.b.c' }))).toBe(false);
  });

  it('has examples that its own schemas allow', () => {
    const examples = names.flatMap((name) =>
      (messages[name].examples ?? []).map(({ payload }) => [name, payload] as const),
    );
    expect(examples.length).toBeGreaterThan(3);
    expect(examples.filter(([name, payload]) => !allows(name, payload))).toEqual([]);
  });

  it('has the close codes of the contracts', () => {
    const codes = Object.entries(stream['x-close-codes']).map(([name, { code }]) => [name, code]);
    expect(Object.fromEntries(codes)).toEqual(CLOSE);
  });
});

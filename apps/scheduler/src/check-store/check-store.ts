import { ContentPlaceStore, type Expected } from '@lienthong/persistence';
import { Log, Metrics } from '@lienthong/runtime';
import { Storage } from '@lienthong/storage';
import { Inject, Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';

/** Bounds of one run: of the packets that are looked for (their ids are held in memory), and of the places that are listed. */
const MOST_EXPECTED = 100_000;
const MOST_PLACES = 1_000_000;
/** How many the log names; the metric counts all. */
const NAMED = 20;
const PLACE = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(-\d+)?$/;

export interface StoreFindings {
  /** Places with content in the store. */
  places: number;
  /** Of these such of packets that nobody knows, or whose content was deleted. */
  unknown: string[];
  /** Packets that are under way and have no content in the store. */
  missing: string[];
  /** False when the store had more than one run lists: what was not listed is not called missing. */
  whole: boolean;
}

/**
 * Does the store have what the record says, and nothing else (reliability 11: objects = live + purge pending)? Compares places, one for each packet and
 * round, not the objects in them. Its work is the store's list, which grows with what is there; never with what is finished and deleted.
 */
@Injectable()
export class CheckStore {
  private readonly found: Gauge<'of'>;
  private said = '';

  constructor(
    @Inject(Storage) private readonly storage: Pick<Storage, 'places'>,
    @Inject(ContentPlaceStore) private readonly record: Pick<ContentPlaceStore, keyof ContentPlaceStore>,
    @Inject(Log) private readonly log: Pick<Log, 'error' | 'info'>,
    @Inject(Metrics) metrics: Metrics,
  ) {
    this.found = new Gauge({
      name: 'lienthong_content_places',
      help: 'Places of content in the store that were listed, those of no packet that may have any, and packets under way without one',
      labelNames: ['of'],
      registers: [metrics],
    });
  }

  /** @param most places that are listed at most */
  async check(most = MOST_PLACES): Promise<StoreFindings> {
    // Read before the list: whoever is received by now has had its content there before.
    const absent = new Map((await this.record.expected(MOST_EXPECTED)).map((packet) => [packet.id, packet]));
    const found: StoreFindings = { places: 0, unknown: [], missing: [], whole: true };
    for await (const page of this.storage.places()) {
      found.places += page.length;
      found.unknown.push(...(await this.unknownOf(page, absent)));
      if (found.places < most) continue;
      found.whole = false;
      break;
    }
    if (found.whole && absent.size > 0) found.missing = await this.record.stillExpected([...absent.values()]);
    this.tell(found);
    return found;
  }

  /** Takes the packets of the page from those that are absent. @returns the page's places that are of no packet with content */
  private async unknownOf(page: string[], absent: Map<string, Expected>): Promise<string[]> {
    const packetOf = new Map(page.map((place) => [place, PLACE.exec(place)?.[1]]));
    const ids = new Set([...packetOf.values()].filter((id) => id !== undefined && !absent.delete(id)) as string[]);
    const unknown = new Set(ids.size > 0 ? await this.record.unknown([...ids]) : []);
    return page.filter((place) => {
      const id = packetOf.get(place);
      return id === undefined || unknown.has(id);
    });
  }

  private tell({ places, unknown, missing, whole }: StoreFindings): void {
    for (const [of, n] of Object.entries({ listed: places, unknown: unknown.length, missing: missing.length }))
      this.found.set({ of }, n);
    const named = { unknown: unknown.slice(0, NAMED), missing: missing.slice(0, NAMED) };
    const now = unknown.length + missing.length === 0 ? '' : JSON.stringify(named);
    if (now === this.said) return;
    this.said = now;
    const told = { step: 'check-store', places, whole };
    if (now) this.log.error({ ...told, ...named }, 'check-store failed');
    else this.log.info(told, 'check-store done');
  }
}

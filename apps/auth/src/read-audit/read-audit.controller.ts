import type { AuditCheckpointItem, AuditItem, Page } from '@lienthong/contracts';
import { Administrator } from '@lienthong/identity';
import { AuditBundleStore, AuditStore } from '@lienthong/persistence';
import { Problems, Step } from '@lienthong/runtime';
import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Readable } from 'node:stream';
import { AuthOptions } from '../auth.config';
import { PageDto, pageOf, positionOf } from '../edge/page';
import { AuditCheckpointPage, AuditPage, AuditRangeDto, ListAuditDto } from './read-audit.dto';

/** Time and id of the entry that a page ended with; the size of the checkpoint. */
const ENTRY = /^[0-9T:.-]{26}Z [0-9a-f-]{36}$/;
const SIZE = /^[0-9]{1,16}$/;

@ApiTags('administration')
@Step('read-audit')
@Administrator()
@Controller('v1/admin/audit')
export class ReadAuditController {
  constructor(
    private readonly audit: AuditStore,
    private readonly bundles: AuditBundleStore,
    private readonly options: AuthOptions,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Who did what, newest first' })
  @ApiOkResponse({ type: AuditPage })
  @Problems('validation_failed')
  async list(
    @Query() { since, until, actor, action, packetId, limit, cursor }: ListAuditDto,
  ): Promise<Page<AuditItem>> {
    const [at, id] = positionOf(cursor, ENTRY)?.split(' ') ?? [];
    const page = await pageOf(
      limit,
      (count) =>
        this.audit.list({
          since: since ? new Date(since) : undefined,
          until: until ? new Date(until) : undefined,
          actor,
          action,
          packetId,
          before: at ? { at, id } : undefined,
          limit: count,
        }),
      (item) => `${item.at} ${item.id}`,
    );
    await this.audit.record([{ action: 'audit.read', detail: { entries: page.items.length } }]);
    return page;
  }

  @Get('checkpoints')
  @ApiOperation({
    summary: 'Signed checkpoints of the log, newest first: keep one outside and no entry can be changed unseen',
  })
  @ApiOkResponse({ type: AuditCheckpointPage })
  @Problems('validation_failed')
  checkpoints(@Query() { limit, cursor }: PageDto): Promise<Page<AuditCheckpointItem>> {
    const below = positionOf(cursor, SIZE);
    return pageOf(
      limit,
      (count) => this.audit.checkpoints(count, below === undefined ? undefined : Number(below)),
      ({ size }) => String(size),
    );
  }

  @Get('bundle')
  @ApiOperation({
    summary: 'A range of the sealed log with everything that its offline verification needs (`lienthong verify`)',
  })
  @ApiProduces('application/x-ndjson')
  @ApiOkResponse({ description: 'One JSON object a line', schema: { type: 'string', format: 'binary' } })
  @Problems('validation_failed')
  async bundle(@Query() { from, to }: AuditRangeDto): Promise<StreamableFile> {
    await this.audit.record([{ action: 'audit.read', detail: { from, to: to ?? null } }]);
    const lines = this.bundles.lines(this.options.publicUrl, from, to);
    return new StreamableFile(Readable.from(texts(lines), { objectMode: false, highWaterMark: 65_536 }), {
      type: 'application/x-ndjson',
    });
  }
}

async function* texts(lines: AsyncIterable<object>): AsyncGenerator<string> {
  let text = '';
  for await (const line of lines) {
    text += `${JSON.stringify(line)}\n`;
    if (text.length < 65_536) continue;
    yield text;
    text = '';
  }
  yield text;
}

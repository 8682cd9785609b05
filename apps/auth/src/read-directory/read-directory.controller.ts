import { type DirectoryEntry, LienThongError, type Page } from '@lienthong/contracts';
import { DirectoryStore } from '@lienthong/persistence';
import { answer, pageAnswer, Problems, Step } from '@lienthong/runtime';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { pageOf, positionOf } from '../edge/page';
import { codePipe, slugPipe } from '../edge/path-pipes';
import { SearchDirectoryDto } from './read-directory.dto';

@ApiTags('directory')
@Step('read-directory')
@Controller('v1/directory')
export class ReadDirectoryController {
  constructor(private readonly directory: DirectoryStore) {}

  @Get()
  @ApiOperation({ summary: 'Find agencies and systems' })
  @ApiOkResponse(pageAnswer('DirectoryEntry', 'A page of agencies and systems'))
  search(@Query() { q, dataType, limit, cursor }: SearchDirectoryDto): Promise<Page<DirectoryEntry>> {
    const after = positionOf(cursor);
    return pageOf(
      limit,
      (count) => this.directory.search({ q, dataType, after, limit: count }),
      ({ address }) => address,
    );
  }

  @Get(':code')
  @ApiOperation({ summary: 'An agency with its systems, by either form of its code' })
  @ApiOkResponse(answer('DirectoryEntry', 'The agency with its systems, or the system'))
  @Problems('not_found')
  async agency(@Param('code', codePipe) code: string): Promise<DirectoryEntry> {
    return found(await this.directory.agency(code));
  }

  @Get(':code/:slug')
  @ApiOperation({ summary: 'A system, by either form of its agency’s code' })
  @ApiOkResponse(answer('DirectoryEntry', 'The agency with its systems, or the system'))
  @Problems('not_found')
  async system(@Param('code', codePipe) code: string, @Param('slug', slugPipe) slug: string): Promise<DirectoryEntry> {
    return found(await this.directory.system(code, slug));
  }
}

function found(entry: DirectoryEntry | undefined): DirectoryEntry {
  if (!entry) throw new LienThongError('not_found');
  return entry;
}

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LienThongError } from '@lienthong/contracts';
import { Public } from '@lienthong/identity';
import { Step } from '@lienthong/runtime';
import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';

const DOCS = join(__dirname, '../../../../docs');
const UI = dirname(require.resolve('swagger-ui-dist/package.json'));
const UI_FILES: Record<string, string> = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' };

const PAGE = `<!doctype html>
<html lang="vi">
<head><meta charset="utf-8"><title>Liên Thông – API</title><link rel="stylesheet" href="/docs/ui/swagger-ui.css"></head>
<body>
<p style="font-family:sans-serif;margin:1em 2em">
  <a href="/docs/openapi.json">OpenAPI (HTTP)</a> · <a href="/docs/asyncapi.yaml">AsyncAPI (WebSocket)</a>
</p>
<div id="ui"></div>
<script src="/docs/ui/swagger-ui-bundle.js"></script>
<script src="/docs/ui/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: '/docs/openapi.json', dom_id: '#ui', supportedSubmitMethods: [] });\n`;

/** The published technical documents (TQ Art. 9.2), as files of the repository: `docs/openapi.json` is made from the code, `docs/asyncapi.yaml` checked against the frames. */
@ApiExcludeController()
@Public()
@Step('publish-docs')
@Controller('docs')
export class PublishDocsController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get('openapi.json')
  @Header('Content-Type', 'application/json')
  openapi(): string {
    return readFileSync(join(DOCS, 'openapi.json'), 'utf8');
  }

  @Get('asyncapi.yaml')
  @Header('Content-Type', 'application/yaml')
  asyncapi(): string {
    return readFileSync(join(DOCS, 'asyncapi.yaml'), 'utf8');
  }

  @Get('ui/:file')
  ui(@Param('file') file: string, @Res() res: Response): void {
    if (file === 'start.js') {
      res.type('text/javascript').send(START);
      return;
    }
    if (!(file in UI_FILES)) throw new LienThongError('not_found');
    res.type(UI_FILES[file]).send(readFileSync(join(UI, file)));
  }
}
